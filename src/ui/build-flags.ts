/** The flags of `build`, by docker's names. */
import * as Flags from '@oclif/core/flags'
import type { BuildRequest } from '../build/types.ts'
import { parseBool } from '../util/truth.ts'

const list = (description: string) => Flags.string({ description, multiple: true, multipleNonGreedy: true })

export const buildFlags = {
  'add-host': list('Add a custom host-to-IP mapping (format: "host:ip")'),
  allow: list('Allow extra privileged entitlement (network.host, security.insecure)'),
  annotation: list('Add annotation to the image'),
  attest: list('Attestation parameters (format: "type=sbom,generator=image")'),
  'build-arg': list('Set build-time variables'),
  'build-context': list(
    'Additional build contexts (name=path, name=URL, name=docker-image://image, name=oci-layout://directory)',
  ),
  'cache-from': list('External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")'),
  'cache-to': list('Cache export destinations (e.g., "type=registry,ref=user/app:cache,mode=max", "type=inline")'),
  call: Flags.string({
    description: 'Set method for evaluating build ("check", "outline", "targets")',
    default: 'build',
  }),
  'cgroup-parent': Flags.string({ description: 'Set the parent cgroup for the RUN instructions during build' }),
  check: Flags.boolean({ description: 'Shorthand for "--call=check"' }),
  file: Flags.string({ char: 'f', description: 'Name of the Dockerfile (default: "PATH/Dockerfile")' }),
  iidfile: Flags.string({ description: 'Write the image ID to a file' }),
  label: list('Set metadata for an image'),
  load: Flags.boolean({ description: 'Shorthand for "--output=type=docker": the image store, as without it' }),
  'metadata-file': Flags.string({ description: 'Write build result metadata to a file' }),
  network: Flags.string({ description: 'Set the networking mode for the RUN instructions (default, none, host)' }),
  'no-cache': Flags.boolean({ description: 'Do not use cache when building the image' }),
  'no-cache-filter': list('Do not cache specified stages'),
  output: Flags.string({
    char: 'o',
    multiple: true,
    multipleNonGreedy: true,
    description: 'Output destination (type=image|registry|docker|oci|tar|local|cacheonly, dest=path)',
  }),
  platform: list('Set target platform for build'),
  progress: Flags.string({
    description: 'Set type of progress output ("auto", "plain", "tty", "quiet", "rawjson")',
    options: ['auto', 'plain', 'tty', 'quiet', 'none', 'rawjson'],
  }),
  provenance: Flags.string({ description: 'Shorthand for "--attest=type=provenance"' }),
  pull: Flags.boolean({ description: 'Always attempt to pull all referenced images' }),
  push: Flags.boolean({ description: 'Shorthand for "--output=type=registry"' }),
  quiet: Flags.boolean({ char: 'q', description: 'Suppress the build output and print image ID on success' }),
  sbom: Flags.string({ description: 'Shorthand for "--attest=type=sbom"' }),
  secret: list('Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")'),
  'shm-size': Flags.string({ description: 'Shared memory size for build containers' }),
  ssh: list('SSH agent socket to expose to the build (format: "default|<id>[=<socket>]")'),
  tag: Flags.string({
    char: 't',
    multiple: true,
    multipleNonGreedy: true,
    description: 'Image identifier (format: "[registry/]repository[:tag]")',
  }),
  target: Flags.string({ description: 'Set the target build stage to build' }),
  ulimit: list('Ulimit options'),
}

const LIMIT = 'a build has no limits of its own; --cgroup-parent names a group that has'

/** What docker takes, hidden, since BuildKit has come: scripts still say it, and it does nothing. Behind each, what is to be said of it. */
const FORMER: Readonly<Record<string, string | undefined>> = {
  builder: undefined,
  compress: undefined,
  'disable-content-trust': undefined,
  'force-rm': undefined,
  rm: undefined,
  squash: 'a stage of its own, copied into FROM scratch, is one layer',
  'cpu-period': LIMIT,
  'cpu-quota': LIMIT,
  'cpu-shares': LIMIT,
  'cpuset-cpus': LIMIT,
  'cpuset-mems': LIMIT,
  isolation: 'commands are isolated as those of run are',
  memory: LIMIT,
  'memory-swap': LIMIT,
  'security-opt': 'a command that needs more says RUN --security=insecure',
}
const FORMER_SWITCHES = ['compress', 'disable-content-trust', 'force-rm', 'rm', 'squash']
const FORMER_CHARS: Readonly<Record<string, 'c' | 'm'>> = { 'cpu-shares': 'c', memory: 'm' }

export const formerBuildFlags = Object.fromEntries(
  Object.keys(FORMER).map((name) => {
    const char = FORMER_CHARS[name]
    const shape = { hidden: true, description: 'Ignored, as BuildKit does', ...(char !== undefined && { char }) }
    return [
      name,
      FORMER_SWITCHES.includes(name)
        ? Flags.boolean(shape)
        : Flags.string({ ...shape, multiple: true, multipleNonGreedy: true }),
    ]
  }),
)

/** A line for each flag that was given, does nothing, and was meant to do something. */
export function formerFlagWarnings(flags: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(FORMER).flatMap(([name, reason]) => {
    const isAsked = flags[name] !== undefined && flags[name] !== false
    return reason !== undefined && isAsked ? [`--${name} is ignored: ${reason}`] : []
  })
}

type Given = {
  readonly [Name in keyof typeof buildFlags]?: string | readonly string[] | boolean | undefined
}

/** What the flags ask for. */
export function requestOf(flags: Given): BuildWords {
  const many = (name: keyof Given): readonly string[] => {
    const value = flags[name]
    return Array.isArray(value) ? (value as readonly string[]) : []
  }
  const one = (name: keyof Given): string | undefined => {
    const value = flags[name]
    return typeof value === 'string' ? value : undefined
  }
  const isOn = (name: keyof Given): boolean => flags[name] === true
  const shorthands = [...(isOn('push') ? ['type=registry'] : []), ...(isOn('load') ? ['type=docker'] : [])]
  return {
    file: one('file') || undefined,
    tags: many('tag'),
    target: one('target'),
    buildArgs: many('build-arg'),
    labels: many('label'),
    platforms: many('platform'),
    contexts: many('build-context'),
    cacheFrom: many('cache-from'),
    cacheTo: many('cache-to'),
    noCache: isOn('no-cache'),
    noCacheFilter: many('no-cache-filter'),
    pull: isOn('pull'),
    secrets: many('secret'),
    ssh: many('ssh'),
    network: one('network'),
    allow: many('allow'),
    addHosts: many('add-host'),
    shmSize: one('shm-size'),
    ulimits: many('ulimit'),
    cgroupParent: one('cgroup-parent'),
    annotations: many('annotation'),
    attests: [...many('attest'), ...shorthand('provenance', one('provenance')), ...shorthand('sbom', one('sbom'))],
    outputs: [...many('output'), ...shorthands],
  }
}

/** `true`, `false`, or the rest of what `--attest` takes. */
function shorthand(type: string, value: string | undefined): readonly string[] {
  if (value === undefined) return []
  const isTrue = parseBool(value)
  if (isTrue === undefined) return [`type=${type},${value}`]
  return [isTrue ? `type=${type}` : `type=${type},disabled=true`]
}

type BuildWords = Omit<BuildRequest, 'context' | 'input' | 'stdout' | 'env' | 'signal' | 'onEvent'>
