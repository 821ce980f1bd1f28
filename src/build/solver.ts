/** What the stages of one build share: bases, contexts and each other, each had once and when it is first needed. */
import { realpathSync } from 'node:fs'
import type { BaseImage, BuildStore } from '../images/building.ts'
import { ImageNotFound } from '../images/errors.ts'
import type { LayoutImage } from '../images/layout-base.ts'
import { formatPlatform } from '../images/platform.ts'
import type { TransferProgress } from '../images/types.ts'
import { type ByteString, byteString } from '../linux/apply.ts'
import type { Platform } from '../oci/descriptor.ts'
import { imageMaterial, type Materials } from './attest/materials.ts'
import type { ImportedSteps } from './cache/imports.ts'
import type { UsedSteps } from './cache/used-steps.ts'
import { fingerprintDirectory, openFingerprints } from './context/fingerprints.ts'
import { openKnownWalk } from './context/known-walk.ts'
import { openLocalTree } from './context/local-tree.ts'
import type { NamedContext } from './context/named.ts'
import type { OpenedContext } from './context/open.ts'
import { baseOfTree, type FilesContext, treeOfContext } from './context/origin.ts'
import { layerTree } from './copy/layer-tree.ts'
import type { FileTree } from './copy/tree.ts'
import { type Origin, sourceOf } from './dockerfile/origins.ts'
import type { PlannedStage, StagePlan } from './dockerfile/stages.ts'
import { ContextUnreadable } from './errors.ts'
import { IgnoreMatcher } from './ignore/matcher.ts'
import { type Memo, openMemo } from './memo.ts'
import type { Progress } from './progress.ts'
import type { BuildRoom } from './room.ts'
import type { Settings } from './settings.ts'
import type { Sources } from './sources/open.ts'
import { buildStage, explain, type StageBase } from './stage.ts'
import { progressPlatform, stageIdentity } from './stage-identity.ts'
import type { StageState } from './state.ts'
import { lazyTree, plainTree, type Tree } from './steps/options.ts'
import type { BuildRequest } from './types.ts'

export interface SolverOptions {
  readonly room: BuildRoom
  readonly request: BuildRequest
  readonly store: BuildStore
  readonly context: OpenedContext
  readonly contexts: ReadonlyMap<string, NamedContext>
  readonly sources: Sources
  /** The target's. */
  readonly platform: Platform
  /** There are other targets. */
  readonly several: boolean
  /** Of all targets. */
  readonly shared: Memo
  readonly settings: Settings
  readonly materials: Materials
  readonly plan: StagePlan
  readonly progress: Progress
  readonly imports: ImportedSteps
  readonly used: UsedSteps
  readonly cleanup: AsyncDisposableStack
  readonly signal: AbortSignal
}

/** A build for one platform under way. */
export class Solver {
  readonly #options: SolverOptions
  readonly #own = openMemo()

  constructor(options: SolverOptions) {
    this.#options = options
  }

  /** @throws as `buildStage` */
  stage(index: number): Promise<StageState> {
    return this.#own(`stage ${index}`, async () => {
      const { shared, platform } = this.#options
      const planned = this.#planned(index)
      const identity = await this.#identity(index)
      return shared(`stage ${identity}`, async () => {
        const own = planned.platform ?? platform
        return this.#build(planned, own, await this.#base(planned, own))
      })
    })
  }

  #planned(index: number): PlannedStage {
    const planned = this.#options.plan.stages[index]
    if (planned === undefined) throw new Error(`there is no stage ${index}`) // `planStages` has checked it
    return planned
  }

  #identity(index: number): Promise<string> {
    const { plan, platform: target, several } = this.#options
    if (!several) return Promise.resolve(`${index}`)
    return this.#own(`identity ${index}`, () =>
      stageIdentity(this.#planned(index), {
        plan,
        target,
        stage: (other) => this.#identity(other),
        hasTriggers: async ({ base, replacedBy, platform = target }) => {
          if (base.kind !== 'image' || replacedBy !== undefined) return false
          const { config } = await this.image(base.reference, platform)
          return (config.config?.OnBuild ?? []).length > 0
        },
      }),
    )
  }

  #build(planned: PlannedStage, platform: Platform, base: StageBase): Promise<StageState> {
    const { plan, platform: target, request, settings, room, shared, several } = this.#options
    const { index } = planned.stage
    return buildStage(planned, base, {
      ...this.#options,
      database: room.database,
      noCache: request.noCache || settings.noCacheStages.has(planned.label.toLowerCase()),
      platform,
      shownPlatform: several ? progressPlatform(planned, target) : undefined,
      context: () => shared('context', () => openMainContext(this.#options)),
      local: (root) => loadTree(this.#options, { root }),
      origin: (from) => this.#tree(sourceOf(from, index, { names: plan.names, numbers: true }), platform),
      onUnset: () => {},
    })
  }

  async #base(planned: PlannedStage, platform: Platform): Promise<StageBase> {
    const { base, replacedBy, stage } = planned
    try {
      return await this.#baseOf(replacedBy === undefined ? base : { kind: 'context', name: replacedBy }, platform)
    } catch (error) {
      const { source } = this.#options.plan.dockerfile
      throw explain(error, { source, lines: stage.from.lines, name: stage.from.code, tail: '' })
    }
  }

  async #baseOf(origin: Origin, platform: Platform): Promise<StageBase> {
    switch (origin.kind) {
      case 'scratch':
        return NOTHING
      case 'stage': {
        const parent = await this.stage(origin.index)
        return { layers: parent.layers, config: undefined, parent, name: '' }
      }
      case 'image': {
        const { layers, config } = await this.image(origin.reference, platform)
        return { layers, config, parent: undefined, name: origin.reference }
      }
      case 'context':
        return this.#baseOfContext(origin.name, platform)
    }
  }

  async #baseOfContext(name: string, platform: Platform): Promise<StageBase> {
    const context = this.#context(name)
    if (context.kind === 'image' || context.kind === 'scratch') return this.#baseOf(context, platform)
    if (context.kind === 'layout') {
      const { layers, config } = await this.#layout(name, context.image, platform)
      return { layers, config, parent: undefined, name }
    }
    const tree = await this.#files(name, context)
    const { room, request } = this.#options
    return baseOfTree(name, tree, { ...this.#options, database: room.database, noCache: request.noCache, platform })
  }

  async #tree(origin: Origin, platform: Platform): Promise<Tree> {
    switch (origin.kind) {
      case 'scratch':
        return treeOfLayers(this.#options, [])
      case 'stage':
        return treeOfLayers(this.#options, (await this.stage(origin.index)).layers)
      case 'image':
        return treeOfLayers(this.#options, (await this.image(origin.reference, platform)).layers)
      case 'context': {
        const context = this.#context(origin.name)
        if (context.kind === 'image' || context.kind === 'scratch') return this.#tree(context, platform)
        if (context.kind !== 'layout') return this.#files(origin.name, context)
        return treeOfLayers(this.#options, (await this.#layout(origin.name, context.image, platform)).layers)
      }
    }
  }

  #context(name: string): NamedContext {
    const found = this.#options.contexts.get(name)
    if (found === undefined) throw new Error(`there is no context ${name}`) // `planStages` has got its names from here
    return found
  }

  #files(name: string, context: FilesContext): Promise<Tree> {
    const local = (path: string, ignore?: IgnoreMatcher) => loadTree(this.#options, { root: path, ignore })
    return this.#options.shared(`context ${name}`, () => treeOfContext(name, context, { ...this.#options, local }))
  }

  #layout(name: string, image: LayoutImage, platform: Platform): Promise<BaseImage> {
    const { progress, store, shared } = this.#options
    return shared(`layout ${name} ${formatPlatform(platform)}`, () =>
      progress.run(`[context ${name}] load from OCI layout ${image.path}`, () => store.layout(image, platform)),
    )
  }

  /** A base image; it is the one that stages have. */
  image(reference: string, platform: Platform): Promise<BaseImage> {
    const key = `image ${reference} ${formatPlatform(platform)}`
    return this.#options.shared(key, async () => {
      const base = await findBase(this.#options, reference, platform)
      const facts = { digest: base.pinned, platform: formatPlatform(platform) }
      this.#options.materials.add(imageMaterial(reference, facts))
      return base
    })
  }
}

const NOTHING: StageBase = { layers: [], config: undefined, parent: undefined, name: 'scratch' }

function treeOfLayers({ store }: SolverOptions, layers: StageState['layers']): Tree {
  return lazyTree({ identity: layers.at(-1)?.chainID ?? 'scratch', hasOwners: true }, async () => {
    const directories = await store.directories(layers)
    return { tree: layerTree(directories), layers: directories }
  })
}

type Finding = Pick<SolverOptions, 'store' | 'request' | 'progress' | 'room' | 'signal'>

/** What is here is taken, unless a newer one is asked for. @throws {ImageNotFound} */
export async function findBase(options: Finding, reference: string, platform: Platform): Promise<BaseImage> {
  const { store, request, progress, room, signal } = options
  const wanted = formatPlatform(platform)
  const work = async (): Promise<BaseImage> => {
    if (!request.pull) {
      try {
        return await store.base(reference, wanted)
      } catch (error) {
        if (!(error instanceof ImageNotFound)) throw error
      }
    }
    return pull()
  }
  const pull = () =>
    progress.run(`[internal] pull ${reference}`, async (vertex) => {
      const onProgress = (news: TransferProgress) => vertex.status(`${news.id} ${news.phase}`)
      await room.images.pull(reference, { platform: wanted, signal, onProgress })
      return store.base(reference, wanted)
    })
  return progress.run(`[internal] load metadata for ${reference}`, work)
}

async function openMainContext(options: SolverOptions): Promise<Tree> {
  const { root, ignore, archive } = options.context
  if (root === undefined)
    throw new ContextUnreadable('there is no build context: only a Dockerfile was given', {
      hint: 'give a directory, with -f - for the Dockerfile',
    })
  const load = (tree: FileTree) => options.progress.run('[internal] load build context', async () => tree)
  if (archive === undefined) return plainTree(() => load(loadTree(options, { root, ignore })))
  return lazyTree({ identity: archive, hasOwners: true }, async () => {
    const tree = await load({ ...layerTree([root]), source: root })
    return { tree, layers: undefined }
  })
}

interface Loading {
  readonly root: string
  readonly ignore?: IgnoreMatcher | undefined
}

function loadTree({ room, signal }: SolverOptions, loading: Loading): FileTree {
  const root = realpathSync(loading.root)
  const kept = fingerprintDirectory(room.paths)
  const fingerprints = (start: ByteString) => openFingerprints(kept, `${byteString(root)}/${start}`)
  const knownWalk = (start: ByteString, shape: readonly unknown[]) => openKnownWalk(kept, [root, start, ...shape])
  const ignore = loading.ignore ?? new IgnoreMatcher([])
  return openLocalTree({ root, ignore, fingerprints, knownWalk, signal })
}
