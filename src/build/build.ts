/** `build`: from a Dockerfile and a context to an image, or files. */
import { InvalidArgument } from '../errors.ts'
import type { BuildStore } from '../images/building.ts'
import { hostPlatform } from '../images/platform.ts'
import type { Platform } from '../oci/descriptor.ts'
import { parseContexts } from './context/named.ts'
import { type OpenedContext, openContext } from './context/open.ts'
import { unusedBuildArgs } from './dockerfile/arguments.ts'
import { foreignSyntax } from './dockerfile/directives.ts'
import { parseDockerfile } from './dockerfile/parse.ts'
import { planStages, type StagePlan, type StageSettings } from './dockerfile/stages.ts'
import { renderSummary } from './lint/render.ts'
import { refuseFindings } from './lint/report.ts'
import { checkOf, lintPlan } from './lint-build.ts'
import { parseOutputs } from './output/parse.ts'
import { writeOutputs } from './output/write.ts'
import { parsePlatforms, parseSettings, parseTags } from './parse-request.ts'
import { openProgress, type Progress } from './progress.ts'
import type { BuildRoom } from './room.ts'
import { prepareScratch } from './scratch.ts'
import { Solver } from './solver.ts'
import { imageConfig, type StageState } from './state.ts'
import type { BuildRequest, BuildResult } from './types.ts'

/** See `BuildEngine.build`. */
export async function buildImage(room: BuildRoom, request: BuildRequest): Promise<BuildResult> {
  const names = parseTags(request.tags)
  const outputs = parseOutputs(request.outputs)
  const [platform, ...others] = parsePlatforms(request.platforms)
  if (platform === undefined || others.length > 0)
    throw new InvalidArgument('several platforms at once are not supported', { hint: 'build them one after the other' })
  const progress = openProgress(request.onEvent)
  await prepareScratch(room.paths)
  await using cleanup = new AsyncDisposableStack()
  using store = await room.openStore()
  const context = await progress.run('[internal] load build definition', () =>
    openContext(request, room.paths, cleanup),
  )
  const state = await solve({ room, request, store, context, platform, progress, cleanup })
  const labelled = withLabels(state, request.labels)
  return await writeOutputs(
    { room, store, progress, signal: request.signal, stdout: request.stdout },
    { outputs, names, config: imageConfig(labelled), layers: state.layers },
  )
}

interface Solving {
  readonly room: BuildRoom
  readonly request: BuildRequest
  readonly store: BuildStore
  readonly context: OpenedContext
  readonly platform: Platform
  readonly progress: Progress
  readonly cleanup: AsyncDisposableStack
}

async function solve(solving: Solving): Promise<StageState> {
  const { context, request, platform } = solving
  const settings = parseSettings(request, platform)
  const contexts = parseContexts(request.contexts)
  const dockerfile = parseDockerfile(context.dockerfile, context.name)
  const syntax = foreignSyntax(dockerfile.directives)
  if (syntax !== undefined)
    solving.progress.warn(`[Warning] the frontend ${syntax} is not fetched: the built-in one reads the file`)
  const stageSettings = {
    buildArgs: settings.buildArgs,
    targetPlatform: platform,
    buildPlatform: hostPlatform(),
    contexts: [...contexts.keys()],
    ...(request.target !== undefined && { target: request.target }),
  }
  const plan = planStages(dockerfile, stageSettings)
  const abort = new AbortController()
  const signal = AbortSignal.any([request.signal, abort.signal])
  const solver = new Solver({ ...solving, settings, plan, contexts, signal })
  const check = checkOf(plan, stageSettings)
  const image = (reference: string, wanted: Platform) => solver.image(reference, wanted)
  const lint = () => lintPlan(plan, { settings: stageSettings, ignored: context.ignore, stages: plan.needed, image })
  if (check.error) refuseFindings(await lint(), check)
  // All at once; each waits for what it needs itself.
  const needed = plan.needed.map(({ stage }) => solver.stage(stage.index))
  for (const stage of needed) stage.catch(() => abort.abort(CANCELLED))
  const settled = await Promise.allSettled(needed)
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  if (failures.length > 0) throw failures.find((error) => !isConsequence(error)) ?? failures[0]
  // Only now: the base images have come by themselves.
  const findings = await lint()
  if (findings.length > 0) solving.progress.warn(renderSummary(findings).trimEnd())
  warnOfUnused(plan, stageSettings, solving.progress)
  return solver.stage(plan.target.stage.index)
}

/** Why stages end that have done nothing wrong. */
const CANCELLED = new Error('another stage has failed')

function isConsequence(error: unknown): boolean {
  return error === CANCELLED || (error as { readonly code?: string }).code === 'CANCELLED'
}

/** `--label` is said last. */
function withLabels(state: StageState, labels: readonly string[]): StageState {
  if (labels.length === 0) return state
  const pairs = labels.map((label): [string, string] => {
    const equals = label.indexOf('=')
    return equals === -1 ? [label, ''] : [label.slice(0, equals), label.slice(equals + 1)]
  })
  return { ...state, config: { ...state.config, Labels: { ...state.config.Labels, ...Object.fromEntries(pairs) } } }
}

function warnOfUnused(plan: StagePlan, settings: StageSettings, progress: Progress): void {
  const unused = unusedBuildArgs(plan.dockerfile, settings)
  if (unused.length > 0) progress.warn(`[Warning] One or more build-args [${unused.join(' ')}] were not consumed`)
}
