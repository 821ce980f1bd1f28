/** `--cache-to`: what the build has come by, for other machines. */
import { Readable } from 'node:stream'
import { CoracleError } from '../../errors.ts'
import type { BuildStore, StackedLayer } from '../../images/building.ts'
import { inParallel } from '../../images/in-parallel.ts'
import { layoutLock } from '../../images/layout-directory.ts'
import { makeManifest } from '../../images/load-docker.ts'
import { knownRepositories } from '../../images/records.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import { parseReference } from '../../oci/reference.ts'
import type { Database } from '../../state/database.ts'
import { acquireLock } from '../../state/lock.ts'
import type { Progress } from '../progress.ts'
import { CACHE_CONFIG, INLINE_KEY, type SharedStep, writeDocument } from './document.ts'
import type { CacheFrom, CacheTo } from './parse-flags.ts'
import type { UsedStep, UsedSteps } from './used-steps.ts'
import { type CacheContent, writeLayout } from './write-layout.ts'

/** As a push does. */
const PARALLEL_BLOBS = 5

export interface ExportOptions {
  readonly store: BuildStore
  readonly database: Database
  readonly progress: Progress
  readonly used: UsedSteps
  /** Layers of what was built, for each platform. */
  readonly images: readonly (readonly StackedLayer[])[]
  /** Where layers have come from: a registry need not be sent what another of its repositories has. */
  readonly sources: readonly CacheFrom[]
  readonly signal: AbortSignal
}

/** What stands in the config of an image with `type=inline`. */
export function inlineDocument(
  layers: readonly StackedLayer[],
  { used, database }: Pick<ExportOptions, 'used' | 'database'>,
): Readonly<Record<string, object>> {
  const steps = used.within(database, [layers]).map(shared)
  return {
    [INLINE_KEY]: writeDocument(
      steps,
      layers.map(({ diffID }) => diffID),
    ),
  }
}

/** @throws {CoracleError} one cannot be written, and that is not to be ignored */
export async function exportCaches(targets: readonly CacheTo[], options: ExportOptions): Promise<void> {
  for (const target of targets) {
    if (target.type === 'inline') continue
    const place = target.type === 'registry' ? target.ref : target.dest
    try {
      await options.progress.run(`exporting cache to ${place}`, async (vertex) => {
        const content = await makeContent(target, options)
        vertex.status(`writing ${content.blobs.length} layers`)
        if (target.type === 'registry') await send(target.ref, content, options)
        else await writeDirectory(target, content, options)
        vertex.status(`writing cache manifest ${content.manifest.descriptor.digest}`)
      })
    } catch (error) {
      if (options.signal.aborted || !target.ignoreError || !(error instanceof CoracleError)) throw error
    }
  }
}

async function writeDirectory(
  target: Extract<CacheTo, { type: 'local' }>,
  content: CacheContent,
  options: ExportOptions,
): Promise<void> {
  using _ = await acquireLock(options.database, layoutLock(target.dest), { signal: options.signal })
  await writeLayout(target, content, options)
}

async function makeContent(
  target: Exclude<CacheTo, { type: 'inline' }>,
  { store, database, used, images, signal }: ExportOptions,
): Promise<CacheContent> {
  const steps = target.mode === 'max' ? used.all(database) : used.within(database, images)
  const unique = new Map<Digest, StackedLayer>()
  for (const { changed, layers } of steps) {
    const own = layers.at(-1)
    if (changed && own !== undefined) unique.set(own.diffID, own)
  }
  const own = [...unique.values()]
  // A layer that is elsewhere goes as it is: it is compressed already, and perhaps need not be fetched at all.
  const away = new Set((await store.remote.away(own)).map(({ diffID }) => diffID))
  const here = await store.compressed(
    own.filter(({ diffID }) => !away.has(diffID)),
    { ...target.compression, signal },
  )
  const packed = new Map([...own, ...here].map(({ diffID, blob }) => [diffID, blob]))
  const document = { ...writeDocument(steps.map(shared), [...packed.keys()]), layers: [...packed.keys()] }
  const bytes = Buffer.from(JSON.stringify(document))
  const config = { mediaType: CACHE_CONFIG, digest: digestOf(bytes), size: bytes.byteLength }
  const blobs = [...packed.values()]
  return { config: { descriptor: config, bytes }, blobs, manifest: makeManifest(config, blobs) }
}

function shared({ keys, layers, changed, createdAtMs }: UsedStep): SharedStep {
  const own = changed ? layers.at(-1) : undefined
  return { keys, layer: own && { blob: own.blob, diffID: own.diffID }, createdAtMs }
}

async function send(ref: string, { config, blobs, manifest }: CacheContent, options: ExportOptions): Promise<void> {
  const { store, database, signal } = options
  const repository = store.repository(ref, 'push')
  const { registry, repository: own, tag = 'latest' } = repository.reference
  const siblings = repositoriesOf(registry, options.sources)
  const sendOne = async (blob: Descriptor, _: number, one: AbortSignal): Promise<void> => {
    const known = [...siblings, ...knownRepositories(database, blob.digest, registry)]
    const open = async (offset: number) =>
      blob.digest === config.descriptor.digest
        ? Readable.from([config.bytes.subarray(offset)])
        : store.remote.read(blob, { offset, signal: one })
    await repository.pushBlob(blob, open, { mountFrom: known.filter((name) => name !== own), signal: one })
  }
  await inParallel([...blobs, config.descriptor], sendOne, { limit: PARALLEL_BLOBS, signal })
  await repository.putManifest(tag, manifest.bytes, manifest.descriptor.mediaType, signal)
}

function repositoriesOf(registry: string, sources: readonly CacheFrom[]): readonly string[] {
  const references = sources.flatMap((from) => (from.type === 'registry' ? [parseReference(from.ref)] : []))
  return [...new Set(references.filter((one) => one.registry === registry).map(({ repository }) => repository))]
}
