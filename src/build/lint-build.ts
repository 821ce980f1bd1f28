/** Lints with what a build knows of its base images. */
import type { BaseImage } from '../images/building.ts'
import type { Platform } from '../oci/descriptor.ts'
import { parseCheckSettings } from './dockerfile/directives.ts'
import type { StagePlan, StageSettings } from './dockerfile/stages.ts'
import type { CheckDirective } from './dockerfile/types.ts'
import type { IgnoreMatcher } from './ignore/matcher.ts'
import { type BaseFacts, lintDockerfile } from './lint/lint.ts'
import type { Finding } from './lint/report.ts'

export interface LintOptions {
  readonly settings: StageSettings
  readonly ignored: IgnoreMatcher
  /** All stages, or those alone that are needed. */
  readonly stages: StagePlan['stages']
  /** undefined: nothing is known of it. */
  readonly image: (reference: string, platform: Platform) => Promise<BaseImage | undefined>
}

/** @throws {DockerfileInvalid} */
export async function lintPlan(plan: StagePlan, options: LintOptions): Promise<readonly Finding[]> {
  const { settings, ignored, stages } = options
  const bases = await findFacts(options)
  return lintDockerfile(plan, { settings, check: checkOf(plan, settings), stages, bases, ignored })
}

/** The build argument is said later than the line in the file. @throws {DockerfileInvalid} */
export function checkOf({ dockerfile }: StagePlan, { buildArgs }: StageSettings): CheckDirective {
  const given = buildArgs.get('BUILDKIT_DOCKERFILE_CHECK')
  return given === undefined ? dockerfile.directives.check : parseCheckSettings(given)
}

async function findFacts({ settings, stages, image }: LintOptions): Promise<ReadonlyMap<number, BaseFacts>> {
  const facts = new Map<number, BaseFacts>()
  for (const { base, stage, platform, replacedBy } of stages) {
    if (base.kind !== 'image' || replacedBy !== undefined) continue
    const found = await image(base.reference, platform ?? settings.targetPlatform)
    if (found === undefined) continue
    const { Env = [], Shell } = found.config.config ?? {}
    facts.set(stage.index, { environment: Env, hasShell: Shell !== undefined, platform: found.platform })
  }
  return facts
}
