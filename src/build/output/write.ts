/** What a build leaves: an image of the store, and whatever files were asked for. */
import { createWriteStream, mkdirSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { tarSink } from '../../archive/tar-sink.ts'
import { applySink } from '../../archive/tree-sinks.ts'
import type { BuildStore, StackedLayer } from '../../images/building.ts'
import { USUAL } from '../../images/compress-layer.ts'
import type { ImageName } from '../../images/records.ts'
import { openApplier } from '../../linux/apply.ts'
import { readMerged, type TreeSink } from '../../linux/archive.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import type { ImageConfig } from '../../oci/descriptor.ts'
import { familiarName, parseReference } from '../../oci/reference.ts'
import { hostPath, parseTags } from '../parse-request.ts'
import type { Progress } from '../progress.ts'
import type { BuildRoom } from '../room.ts'
import type { BuildResult } from '../types.ts'
import type { ImageForm, Output } from './parse.ts'

export interface Built {
  /** None: the image goes to the store. */
  readonly outputs: readonly Output[]
  readonly names: readonly ImageName[]
  readonly config: ImageConfig
  readonly layers: readonly StackedLayer[]
}

export interface WriteOptions {
  readonly room: BuildRoom
  readonly store: BuildStore
  readonly progress: Progress
  readonly signal: AbortSignal
  readonly stdout: NodeJS.WritableStream | undefined
}

type Image = NonNullable<BuildResult['image']>

export async function writeOutputs(options: WriteOptions, built: Built): Promise<BuildResult> {
  const outputs: readonly Output[] =
    built.outputs.length > 0 ? built.outputs : [{ type: 'image', names: [], push: false }]
  let image: Image | undefined
  for (const output of outputs) {
    options.signal.throwIfAborted()
    image = (await writeOutput(output, options, built)) ?? image
  }
  return { image }
}

async function writeOutput(output: Output, options: WriteOptions, built: Built): Promise<Image | undefined> {
  switch (output.type) {
    case 'image':
      return storeImage(options, { ...built, names: [...built.names, ...parseTags(output.names)] }, output)
    case 'docker':
    case 'oci':
      return saveImage(options, built, output)
    case 'tar':
      return writeTar(options, built, output.dest)
    case 'local':
      return writeDirectory(options, built, hostPath(output.dest))
    case 'cacheonly':
      return undefined
  }
}

interface Form extends ImageForm {
  readonly push?: boolean
  /** It is written somewhere else. */
  readonly leaves?: boolean
}

async function storeImage({ room, store, progress, signal }: WriteOptions, built: Built, form: Form): Promise<Image> {
  const { config, names } = built
  const texts = names.map(({ repository, tag }) => `${repository}:${tag}`)
  const image = await progress.run('exporting to image', async (vertex) => {
    // In the store a plain tar is read fastest, and takes no time to make.
    const wish = form.compression ?? (form.leaves === true || form.push === true ? USUAL : undefined)
    const layers = wish === undefined ? built.layers : await store.compressed(built.layers, { ...wish, signal })
    const { dockerTypes = false } = form
    const committed = await store.commit({ config, layers, names, dockerTypes })
    vertex.status(`writing image ${committed.id}`)
    for (const text of texts) vertex.status(`naming to ${text}`)
    return committed
  })
  if (form.push === true)
    for (const text of texts)
      await progress.run(`pushing ${familiarName(parseReference(text))}`, () => room.images.push(text, { signal }))
  return { ...image, names: texts }
}

/** By way of the store: an archive is what `save` writes. */
async function saveImage(
  options: WriteOptions,
  built: Built,
  { dest, type, ...form }: { readonly dest: string; readonly type: string } & ImageForm,
): Promise<Image> {
  const image = await storeImage(options, built, { ...form, leaves: true })
  const { room, progress, signal } = options
  const names = image.names.length > 0 ? image.names : [image.id]
  await progress.run(`exporting to ${type} image format`, () =>
    writing(options, dest, (output) => room.images.save(names, output, { signal })),
  )
  return image
}

async function writeTar(options: WriteOptions, built: Built, dest: string): Promise<undefined> {
  const { progress, store, signal } = options
  await progress.run('exporting to client tarball', () =>
    writing(options, dest, async (output) => {
      const sink = tarSink(output, { place: (path) => (path === '' ? undefined : path) })
      await readFiles(await store.directories(built.layers), sink, signal)
      await sink.finish()
    }),
  )
}

async function writing(
  { stdout }: WriteOptions,
  dest: string,
  work: (output: NodeJS.WritableStream) => Promise<unknown>,
): Promise<void> {
  if (dest === '-') {
    await work(stdout ?? process.stdout)
    return
  }
  const file = createWriteStream(hostPath(dest))
  await work(file)
  file.end()
  await finished(file)
}

/** Owners are kept where root writes; what is there already is written over. */
async function writeDirectory(
  { progress, store, signal }: WriteOptions,
  built: Built,
  dest: string,
): Promise<undefined> {
  await progress.run('exporting to client directory', async () => {
    mkdirSync(dest, { recursive: true })
    const lower = await store.directories(built.layers)
    await using applier = openApplier(dest)
    applier.merge()
    const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    const attributes = (entry: { uid: number; gid: number; mode: number }) =>
      userIdMaps() === undefined ? entry : { ...own, mode: entry.mode }
    const place = (path: string) => (path === '' ? undefined : path)
    await readFiles(lower, applySink(applier, { place, attributes, keepXattr: () => true }), signal)
    await applier.finish()
  })
}

async function readFiles(lower: readonly string[], sink: TreeSink, signal: AbortSignal): Promise<void> {
  if (lower.length > 0) await readMerged(lower, { idMaps: userIdMaps(), sink, signal })
}
