/** Solves a Dockerfile for each of the platforms that were asked for, all at once. */
import type { BuildStore } from '../images/building.ts'
import { hostPlatform } from '../images/platform.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Materials } from './attest/materials.ts'
import type { ImportedSteps } from './cache/imports.ts'
import type { UsedSteps } from './cache/used-steps.ts'
import type { NamedContext } from './context/named.ts'
import type { OpenedContext } from './context/open.ts'
import { unusedBuildArgs } from './dockerfile/arguments.ts'
import { foreignSyntax } from './dockerfile/directives.ts'
import { parseDockerfile } from './dockerfile/parse.ts'
import { planStages, type StagePlan, type StageSettings } from './dockerfile/stages.ts'
import { renderSummary } from './lint/render.ts'
import { refuseFindings } from './lint/report.ts'
import { checkOf, lintPlan } from './lint-build.ts'
import { openMemo } from './memo.ts'
import type { Progress } from './progress.ts'
import type { BuildRoom } from './room.ts'
import type { Settings } from './settings.ts'
import { Solver } from './solver.ts'
import type { Sources } from './sources/open.ts'
import type { StageState } from './state.ts'
import type { BuildRequest } from './types.ts'

export interface Solving {
  readonly room: BuildRoom
  readonly request: BuildRequest
  readonly settings: Settings
  readonly store: BuildStore
  readonly context: OpenedContext
  readonly contexts: ReadonlyMap<string, NamedContext>
  readonly materials: Materials
  /** At least one. */
  readonly platforms: readonly Platform[]
  readonly progress: Progress
  readonly imports: ImportedSteps
  readonly used: UsedSteps
  readonly cleanup: AsyncDisposableStack
  readonly sources: Sources
}

/** What the target stage has come to for a platform. */
export interface Solution {
  readonly platform: Platform
  readonly state: StageState
  readonly plan: StagePlan
}

interface Target {
  readonly platform: Platform
  readonly plan: StagePlan
  readonly solver: Solver
  readonly settings: StageSettings
}

/** @returns in the order of `platforms` */
export async function solve(solving: Solving): Promise<readonly Solution[]> {
  const abort = new AbortController()
  const targets = openTargets(solving, AbortSignal.any([solving.request.signal, abort.signal]))
  const [first] = targets
  if (first === undefined) throw new Error('a build is for one platform at least') // `parsePlatforms`
  const { context, progress } = solving
  const { plan, settings, solver } = first
  const check = checkOf(plan, settings)
  const image = (reference: string, wanted: Platform) => solver.image(reference, wanted)
  // Of one platform: the words are the same for all.
  const lint = () => lintPlan(plan, { settings, ignored: context.ignore, stages: plan.needed, image })
  if (check.error) refuseFindings(await lint(), check)
  // All at once; each waits for what it needs itself.
  const needed = targets.flatMap((one) => one.plan.needed.map(({ stage }) => one.solver.stage(stage.index)))
  for (const stage of needed) stage.catch(() => abort.abort(CANCELLED))
  const settled = await Promise.allSettled(needed)
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  if (failures.length > 0) throw failures.find((error) => !isConsequence(error)) ?? failures[0]
  // Only now: the base images have come by themselves.
  const findings = await lint()
  if (findings.length > 0) progress.warn(renderSummary(findings).trimEnd())
  warnOfUnused(plan, settings, progress)
  return Promise.all(
    targets.map(async ({ platform, ...one }) => ({
      platform,
      plan: one.plan,
      state: await one.solver.stage(one.plan.target.stage.index),
    })),
  )
}

function openTargets(solving: Solving, signal: AbortSignal): readonly Target[] {
  const { context, contexts, request, settings, platforms, progress } = solving
  const dockerfile = parseDockerfile(context.dockerfile, context.name)
  const syntax = foreignSyntax(dockerfile.directives)
  if (syntax !== undefined)
    progress.warn(`[Warning] the frontend ${syntax} is not fetched: the built-in one reads the file`)
  const shared = openMemo()
  return platforms.map((platform) => {
    const stageSettings = {
      buildArgs: settings.buildArgs,
      targetPlatform: platform,
      buildPlatform: hostPlatform(),
      contexts: [...contexts.keys()],
      ...(request.target !== undefined && { target: request.target }),
    }
    const plan = planStages(dockerfile, stageSettings)
    const several = platforms.length > 1
    const solver = new Solver({ ...solving, platform, several, settings, plan, signal, shared })
    return { platform, plan, solver, settings: stageSettings }
  })
}

/** Why stages end that have done nothing wrong. */
const CANCELLED = new Error('another stage has failed')

function isConsequence(error: unknown): boolean {
  return error === CANCELLED || (error as { readonly code?: string }).code === 'CANCELLED'
}

function warnOfUnused(plan: StagePlan, settings: StageSettings, progress: Progress): void {
  const unused = unusedBuildArgs(plan.dockerfile, settings)
  if (unused.length > 0) progress.warn(`[Warning] One or more build-args [${unused.join(' ')}] were not consumed`)
}
