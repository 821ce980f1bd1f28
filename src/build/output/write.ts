/** What a build leaves: an image of the store, and whatever files were asked for. */
import { join } from 'node:path'
import { tarSink } from '../../archive/tar-sink.ts'
import { applySink } from '../../archive/tree-sinks.ts'
import { InvalidArgument } from '../../errors.ts'
import type { BuildStore, StackedLayer } from '../../images/building.ts'
import type { BuiltImage, ExtraManifest, WrittenImage } from '../../images/commit-built.ts'
import { USUAL } from '../../images/compress-layer.ts'
import { formatPlatform } from '../../images/platform.ts'
import type { ImageName } from '../../images/records.ts'
import type { ExactImage } from '../../images/types.ts'
import { openApplier } from '../../linux/apply.ts'
import { readMerged, type TreeSink } from '../../linux/archive.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { isIndex } from '../../oci/media-types.ts'
import { familiarName, parseReference } from '../../oci/reference.ts'
import { openOutputFile } from '../../ui/streams.ts'
import { makeDirectories } from '../../util/make-directories.ts'
import type { Attesting } from '../attest/attesting.ts'
import { hostPath, parseTags } from '../parse-request.ts'
import type { Progress } from '../progress.ts'
import type { BuildRoom } from '../room.ts'
import type { BuildResult } from '../types.ts'
import { type Annotation, annotationsOf } from './annotations.ts'
import type { FilesOutput, ImageForm, Output } from './parse.ts'

export interface Built {
  /** None: the image goes to the store. */
  readonly outputs: readonly Output[]
  readonly names: readonly ImageName[]
  /** One for each platform. */
  readonly targets: readonly BuiltImage[]
  readonly annotations: readonly Annotation[]
  readonly attesting: Attesting
  /** The result is told by platform, also where there is only one. */
  readonly isMap: boolean
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
      return writeTar(options, built, output)
    case 'local':
      return writeDirectory(options, built, output)
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
  const { targets, names, isMap, attesting } = built
  const annotations = [...built.annotations, ...(form.annotations ?? [])]
  const texts = names.map(({ repository, tag }) => `${repository}:${tag}`)
  const { dockerTypes = false } = form
  const isSent = form.push === true && !dockerTypes
  // In the store a plain tar is read fastest, and takes no time to make. What is in an index stays as it is, also when it leaves.
  const leaves = form.leaves === true || form.push === true || isMap || attesting.wants(isSent)
  const wish = form.compression ?? (leaves ? USUAL : undefined)
  const image = await progress.run('exporting to image', async (vertex) => {
    const images: WrittenImage[] = []
    const extra: ExtraManifest[] = []
    for (const target of targets) {
      const layers = wish === undefined ? target.layers : await store.compressed(target.layers, { ...wish, signal })
      const noted = annotationsOf(annotations, 'manifest', target.platform)
      const written = await store.write({ ...target, layers, dockerTypes, annotations: noted })
      vertex.status(`writing image ${written.id}`)
      images.push(described(written, annotations))
      const attestations = await attesting.attach(written, { names, isSent })
      if (attestations !== undefined) extra.push(attestations)
    }
    const ofIndex = annotationsOf(annotations, 'index')
    if (Object.keys(ofIndex).length > 0 && !isMap && extra.length === 0)
      throw new InvalidArgument('there is no index to annotate', {
        hint: 'build for several platforms, or with an attestation (--provenance=true)',
      })
    const outcome = await store.commit({ images, extra, names, asIndex: isMap, annotations: ofIndex })
    const { target } = outcome
    // Attestations beside it do not make another image of it.
    const id = isMap ? outcome.id : (images[0]?.id ?? outcome.id)
    if (isIndex(target.mediaType)) vertex.status(`writing index ${target.digest}`)
    for (const text of texts) vertex.status(`naming to ${text}`)
    const provenance = images.flatMap((image) => {
      const predicate = attesting.tell(image)
      return predicate === undefined ? [] : [{ platform: formatPlatform(image.platform), predicate }]
    })
    return { id, manifest: target, images: images.map(({ config: _, layers: __, ...one }) => one), provenance }
  })
  const exact = exactly(image)
  if (form.push === true)
    for (const text of texts)
      await progress.run(`pushing ${familiarName(parseReference(text))}`, () =>
        room.images.push(text, { exact, signal }),
      )
  return { ...image, names: texts }
}

/** Another build may have given its names to another image by now. */
function exactly({ id, manifest }: Pick<Image, 'id' | 'manifest'>): ExactImage {
  return { id: isIndex(manifest.mediaType) ? manifest.digest : id, target: manifest }
}

/** As an index lists it. */
function described(image: WrittenImage, annotations: readonly Annotation[]): WrittenImage {
  const own = annotationsOf(annotations, 'manifest-descriptor', image.platform)
  return Object.keys(own).length === 0 ? image : { ...image, manifest: { ...image.manifest, annotations: own } }
}

/** By way of the store: an archive is what `save` writes. */
async function saveImage(
  options: WriteOptions,
  built: Built,
  { dest, type, ...form }: { readonly dest: string; readonly type: string } & ImageForm,
): Promise<Image> {
  const image = await storeImage(options, built, { ...form, leaves: true })
  const { room, progress, signal } = options
  await progress.run(`exporting to ${type} image format`, () =>
    writing(options, dest, (output) => room.images.save(image.names, output, { exact: exactly(image), signal })),
  )
  return image
}

/** The files of a platform, and the directory that is for them: empty where all go to one. */
interface Part {
  readonly layers: readonly StackedLayer[]
  readonly prefix: string
}

/** As buildx names them: `linux_arm64`, `linux_arm_v7`. */
function partsOf({ targets, isMap }: Built, { split }: { readonly split: boolean }): readonly Part[] {
  return targets.map(({ layers, platform }) => ({
    layers,
    prefix: isMap && split ? formatPlatform(platform).replaceAll('/', '_') : '',
  }))
}

async function writeTar(options: WriteOptions, built: Built, output: FilesOutput): Promise<undefined> {
  const { progress, store, signal } = options
  await progress.run('exporting to client tarball', () =>
    writing(options, output.dest, async (stream) => {
      let prefix = ''
      const sink = tarSink(stream, { place: (path) => below(prefix, path) })
      for (const part of partsOf(built, output)) {
        prefix = part.prefix
        await readFiles(await store.directories(part.layers), sink, signal)
      }
      await sink.finish()
    }),
  )
}

/** The root of an archive has no entry. */
function below(prefix: string, path: string): string | undefined {
  return [prefix, path].filter((part) => part !== '').join('/') || undefined
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
  await using file = await openOutputFile(hostPath(dest), 0o666)
  await work(file.stream)
  await file.finish()
}

/** Owners are kept where root writes; what is there already is written over. */
async function writeDirectory(
  { progress, store, signal }: WriteOptions,
  built: Built,
  output: FilesOutput,
): Promise<undefined> {
  await progress.run('exporting to client directory', async () => {
    for (const { layers, prefix } of partsOf(built, output)) {
      const directory = join(hostPath(output.dest), prefix)
      makeDirectory(directory)
      await writeTree(await store.directories(layers), directory, signal)
    }
  })
}

function makeDirectory(path: string): void {
  try {
    makeDirectories(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file is in the way' : message
    throw new InvalidArgument(`cannot make the directory ${path}: ${reason}`, { cause: error })
  }
}

async function writeTree(lower: readonly string[], directory: string, signal: AbortSignal): Promise<void> {
  await using applier = openApplier(directory)
  applier.merge()
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const attributes = (entry: { uid: number; gid: number; mode: number }) =>
    userIdMaps() === undefined ? entry : { ...own, mode: entry.mode }
  const place = (path: string) => (path === '' ? undefined : path)
  await readFiles(lower, applySink(applier, { place, attributes, keepXattr: () => true }), signal)
  await applier.finish()
}

async function readFiles(lower: readonly string[], sink: TreeSink, signal: AbortSignal): Promise<void> {
  if (lower.length > 0) await readMerged(lower, { idMaps: userIdMaps(), sink, signal })
}
