/** What a build leaves: an image of the store, and whatever files were asked for. */
import { InvalidArgument } from '../../errors.ts'
import type { BuildStore } from '../../images/building.ts'
import type { BuiltImage, ExtraManifest, WrittenImage } from '../../images/commit-built.ts'
import { USUAL } from '../../images/compress-layer.ts'
import { formatPlatform } from '../../images/platform.ts'
import type { ImageName } from '../../images/records.ts'
import type { ExactImage } from '../../images/types.ts'
import { isIndex } from '../../oci/media-types.ts'
import { familiarName, parseReference } from '../../oci/reference.ts'
import type { Attesting } from '../attest/attesting.ts'
import { hostPath, parseTags } from '../parse-request.ts'
import type { Progress } from '../progress.ts'
import type { BuildRoom } from '../room.ts'
import type { BuildResult } from '../types.ts'
import { type Annotation, annotationsOf } from './annotations.ts'
import { writing } from './destination.ts'
import type { ArchiveOutput, ImageForm, Output } from './parse.ts'
import { writeDirectory, writeTar } from './write-files.ts'

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
  /** Seconds; no time is later. */
  readonly epoch: number | undefined
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
  { dest, type, names: more = [], asDirectory, ...form }: ArchiveOutput,
): Promise<Image> {
  const names = [...built.names, ...parseTags(more)]
  const image = await storeImage(options, { ...built, names }, { ...form, leaves: true })
  const { room, progress, signal, stdout } = options
  const wish = { exact: exactly(image), signal }
  await progress.run(`exporting to ${type} image format`, () =>
    asDirectory === true
      ? room.images.saveLayout(image.names, hostPath(dest), wish)
      : writing(stdout, dest, (output) => room.images.save(image.names, output, wish)),
  )
  return image
}
