/** `build`: from a Dockerfile and a context to an image, or files. */
import { removeLeftSteps } from '../containers/left-steps.ts'
import { InvalidArgument } from '../errors.ts'
import { hostPlatform } from '../images/platform.ts'
import { openAttesting } from './attest/attesting.ts'
import { openMaterials } from './attest/materials.ts'
import { parseAttestations } from './attest/wish.ts'
import { type CachingOptions, inlineCache, parseCaches, saveCaches, withCaches } from './caching.ts'
import { parseContexts } from './context/named.ts'
import { openContext } from './context/open.ts'
import { withEpoch } from './epoch.ts'
import { parseAnnotations } from './output/annotations.ts'
import { type Output, parseOutputs } from './output/parse.ts'
import { writeOutputs } from './output/write.ts'
import { checkStepFlags, isForSeveral, parsePlatforms, parseSettings, parseTags } from './parse-request.ts'
import { openProgress } from './progress.ts'
import type { BuildRoom } from './room.ts'
import { prepareScratch } from './scratch.ts'
import { type Solution, solve } from './solve.ts'
import { openSources } from './sources/open.ts'
import { imageConfig, type StageState } from './state.ts'
import type { BuildRequest, BuildResult } from './types.ts'

/** See `BuildEngine.build`. */
export async function buildImage(room: BuildRoom, request: BuildRequest): Promise<BuildResult> {
  const names = parseTags(request.tags)
  const outputs = parseOutputs(request.outputs)
  const annotations = parseAnnotations(request.annotations)
  if (outputs.some((output) => output.type === 'image' && output.push && output.names.length + names.length === 0))
    throw new InvalidArgument('tag is needed when pushing to registry', {
      hint: '-t REGISTRY/NAME:TAG, or name= in --output',
    })
  const wish = parseAttestations(request.attests)
  const platforms = parsePlatforms(request.platforms, request.env)
  const given = parseSettings(request)
  const contexts = parseContexts(request.contexts)
  await checkStepFlags(request)
  const startedAtMs = Date.now()
  const caches = parseCaches(request)
  const progress = openProgress(request.onEvent)
  const { signal } = request
  await prepareScratch(room.paths)
  await removeLeftSteps(room)
  await using cleanup = new AsyncDisposableStack()
  // An image that leaves is compressed, and what it had before is nobody's once the store is closed.
  if (outputs.some(isSent)) cleanup.defer(async () => void (await room.collect()))
  using store = await room.openStore()
  const materials = openMaterials()
  const sources = openSources(room, { materials, grants: given, cleanup })
  const context = await progress.run('[internal] load build definition', ({ status }) =>
    openContext(request, { paths: room.paths, cleanup, sources, onStatus: status }),
  )
  const [targetPlatform = hostPlatform()] = platforms
  const settings = await withEpoch(given, { context, platforms: { targetPlatform, buildPlatform: hostPlatform() } })
  const isFetched = outputs.length === 0 || outputs.some(({ type }) => type !== 'cacheonly')
  const caching = { room, store, progress, settings, platforms, signal }
  const solving = { ...caching, request, context, contexts, cleanup, sources, materials }
  const { result: solutions, used } = await withCaches(caches, caching, async (imports, used) => {
    const solved = await solve({ ...solving, imports, used })
    return isFetched ? await fetched(solved, caching) : solved
  })
  const targets = solutions.map(({ platform, state }) => ({
    platform,
    config: {
      ...imageConfig(withLabels(state, request.labels)),
      ...inlineCache(caches, state.layers, { ...caching, used }),
    },
    layers: state.layers,
  }))
  const attesting = openAttesting({ ...solving, wish, solutions, startedAtMs })
  const built = await writeOutputs(
    { room, store, progress, signal, stdout: request.stdout, epoch: settings.epoch },
    { outputs, names, targets, annotations, attesting, isMap: isForSeveral(platforms, settings) },
  )
  const images = targets.map(({ layers }) => layers)
  await saveCaches(caches, images, { ...caching, used })
  return built
}

/** With layers that caches elsewhere have: until now nobody has looked into them. */
async function fetched(
  solutions: readonly Solution[],
  { store, progress, signal }: CachingOptions,
): Promise<readonly Solution[]> {
  const unready = await store.remote.unready(solutions.flatMap(({ state }) => state.layers))
  if (unready.length === 0) return solutions
  return progress.run('[internal] fetch cached layers', async () => {
    const brought: Solution[] = []
    for (const { state, ...solution } of solutions)
      brought.push({ ...solution, state: { ...state, layers: await store.remote.bring(state.layers, signal) } })
    return brought
  })
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

function isSent(output: Output): boolean {
  return output.type === 'docker' || output.type === 'oci' || (output.type === 'image' && output.push)
}
