/** Looks for what works but is most likely not meant, as `docker build --check` does. */
import type { Platform } from '../../oci/descriptor.ts'
import type { BuildSettings } from '../dockerfile/arguments.ts'
import type { PlannedStage, StagePlan } from '../dockerfile/stages.ts'
import type { CheckDirective } from '../dockerfile/types.ts'
import type { IgnoreMatcher } from '../ignore/matcher.ts'
import { checkFile } from './check-file.ts'
import { checkFrom } from './check-from.ts'
import { checkStages } from './check-stages.ts'
import { type Finding, openReport } from './report.ts'

/** What is known of the base image of a stage. */
export interface BaseFacts {
  /** `Env` of its config. */
  readonly environment: readonly string[]
  /** `Shell` of its config is set. */
  readonly hasShell: boolean
  readonly platform: Platform
}

export interface LintSettings {
  readonly settings: BuildSettings
  /** Of the file, or what the user says instead. */
  readonly check: CheckDirective
  /** Stages to look into: those that are built, or all. */
  readonly stages: readonly PlannedStage[]
  /** By the index of the stage. Without them nothing is said about variables that the image may hold. */
  readonly bases?: ReadonlyMap<number, BaseFacts>
  /** Of the build context. */
  readonly ignored?: IgnoreMatcher
}

/**
 * All findings in the order of the lines.
 *
 * @throws {DockerfileInvalid} what the build would fail with as well
 */
export function lintDockerfile(plan: StagePlan, lint: LintSettings): readonly Finding[] {
  const { report, findings } = openReport(lint.check)
  checkFile(plan.dockerfile, report)
  checkFrom(plan, lint, report)
  checkStages(plan, lint, report)
  return findings.toSorted((left, right) => left.lines.start - right.lines.start)
}
