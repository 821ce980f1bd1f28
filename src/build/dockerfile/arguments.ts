/** ARGs before the first FROM, and those that every build has. */
import { formatPlatform } from '../../images/platform.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { ExpansionBudget } from './budget.ts'
import { within } from './errors.ts'
import { expandWord } from './expand.ts'
import type { Dockerfile } from './types.ts'

export interface BuildSettings {
  /** `--build-arg`, those without a value left out. */
  readonly buildArgs: ReadonlyMap<string, string>
  readonly targetPlatform: Platform
  /** Of the machine that builds. */
  readonly buildPlatform: Platform
  /** `--target`: name or number of a stage. */
  readonly target?: string
}

/** Given to RUN without being declared; neither in history nor in cache keys. */
export const PROXY_ARGUMENTS: readonly string[] = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
].flatMap((name) => [name, name.toLowerCase()])

/** They tell the builder something, and need no ARG. */
const SWITCHES: readonly string[] = [
  'BUILDKIT_BUILD_NAME',
  'BUILDKIT_CACHE_MOUNT_NS',
  'BUILDKIT_CONTEXT_KEEP_GIT_DIR',
  'BUILDKIT_DOCKERFILE_CHECK',
  'BUILDKIT_INLINE_CACHE',
  'BUILDKIT_MULTI_PLATFORM',
  'BUILDKIT_SANDBOX_HOSTNAME',
  'BUILDKIT_SBOM_SCAN_CONTEXT',
  'BUILDKIT_SBOM_SCAN_STAGE',
  'BUILDKIT_SYNTAX',
  'SOURCE_DATE_EPOCH',
]

/** `TARGETPLATFORM` and its kin; `--build-arg` wins over them. */
export function platformArguments(dockerfile: Dockerfile, settings: BuildSettings): ReadonlyMap<string, string> {
  const { buildPlatform, targetPlatform, buildArgs } = settings
  const values = {
    ...describe('BUILD', buildPlatform),
    ...describe('TARGET', targetPlatform),
    TARGETSTAGE: settings.target || dockerfile.stages.at(-1)?.name || 'default',
  }
  return new Map(Object.entries(values).map(([name, value]) => [name, buildArgs.get(name) ?? value]))
}

function describe(prefix: 'BUILD' | 'TARGET', platform: Platform): Readonly<Record<string, string>> {
  return {
    [`${prefix}PLATFORM`]: formatPlatform(platform),
    [`${prefix}OS`]: platform.os,
    [`${prefix}OSVERSION`]: platform['os.version'] ?? '',
    [`${prefix}ARCH`]: platform.architecture,
    [`${prefix}VARIANT`]: platform.variant ?? '',
  }
}

/**
 * The variables of FROM lines, in the order of their declaration.
 *
 * @throws {DockerfileInvalid} a default cannot be expanded
 */
export function globalArguments(
  dockerfile: Dockerfile,
  settings: BuildSettings,
  budget = new ExpansionBudget(),
): ReadonlyMap<string, string> {
  const { source, directives, globals } = dockerfile
  const values = new Map(platformArguments(dockerfile, settings))
  for (const { args, lines } of globals)
    for (const { name, value } of args) {
      const given =
        settings.buildArgs.get(name) ??
        (value === undefined
          ? undefined
          : within({ source, lines }, () =>
              expandWord(value, { lookup: (one) => budget.spend(values.get(one)), escape: directives.escape }),
            ))
      if (given !== undefined) values.set(name, given)
    }
  return values
}

/** `--build-arg`s that nothing in the file declares and that mean nothing by themselves: most likely mistyped. */
export function unusedBuildArgs(dockerfile: Dockerfile, settings: BuildSettings): readonly string[] {
  const declared = new Set([...PROXY_ARGUMENTS, ...SWITCHES, ...platformArguments(dockerfile, settings).keys()])
  const instructions = [...dockerfile.globals, ...dockerfile.stages.flatMap((stage) => stage.instructions)]
  for (const instruction of instructions)
    if (instruction.kind === 'ARG') for (const { name } of instruction.args) declared.add(name)
  return [...settings.buildArgs.keys()].filter((name) => !declared.has(name)).sort()
}
