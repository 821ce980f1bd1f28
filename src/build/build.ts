/** `build`: from a Dockerfile and a context to an image, or files. */
import { openContext } from './context/open.ts'
import { parseOutputs } from './output/parse.ts'
import { writeOutputs } from './output/write.ts'
import { isForSeveral, parseGrants, parsePlatforms, parseSettings, parseTags } from './parse-request.ts'
import { openProgress } from './progress.ts'
import type { BuildRoom } from './room.ts'
import { prepareScratch } from './scratch.ts'
import { solve } from './solve.ts'
import { openSources } from './sources/open.ts'
import { imageConfig, type StageState } from './state.ts'
import type { BuildRequest, BuildResult } from './types.ts'

/** See `BuildEngine.build`. */
export async function buildImage(room: BuildRoom, request: BuildRequest): Promise<BuildResult> {
  const names = parseTags(request.tags)
  const outputs = parseOutputs(request.outputs)
  const platforms = parsePlatforms(request.platforms, request.env)
  const progress = openProgress(request.onEvent)
  await prepareScratch(room.paths)
  await using cleanup = new AsyncDisposableStack()
  using store = await room.openStore()
  const sources = openSources(room, { grants: () => parseGrants(request), cleanup })
  const context = await progress.run('[internal] load build definition', ({ status }) =>
    openContext(request, { paths: room.paths, cleanup, sources, onStatus: status }),
  )
  const settings = parseSettings(request)
  const solutions = await solve({ room, request, settings, store, context, platforms, progress, cleanup, sources })
  const targets = solutions.map(({ platform, state }) => ({
    platform,
    config: imageConfig(withLabels(state, request.labels)),
    layers: state.layers,
  }))
  return await writeOutputs(
    { room, store, progress, signal: request.signal, stdout: request.stdout },
    { outputs, names, targets, isMap: isForSeveral(platforms, settings) },
  )
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
