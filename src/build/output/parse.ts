/** `--output type=…,dest=…`. */
import { InvalidArgument } from '../../errors.ts'
import { type CompressionWish, checkedLevel } from '../../images/compress-layer.ts'
import type { Compression } from '../../oci/media-types.ts'
import { splitCsv } from '../../util/csv.ts'
import { parseBool } from '../../util/truth.ts'
import { type Annotation, parseAnnotationType } from './annotations.ts'

export type Output =
  | ({ readonly type: 'image'; readonly names: readonly string[]; readonly push: boolean } & ImageForm)
  /** `-`: standard output */
  | ({ readonly type: 'docker' | 'oci'; readonly dest: string } & ImageForm)
  | FilesOutput
  | { readonly type: 'cacheonly' }

/** The files of the image, without the image. */
export interface FilesOutput {
  readonly type: 'tar' | 'local'
  readonly dest: string
  /** A directory for each platform where there are several. */
  readonly split: boolean
}

/** @throws {InvalidArgument} */
export function parseOutputs(texts: readonly string[]): readonly Output[] {
  return texts.map(parseOutput)
}

/** How an image is written; where nothing is said, as is usual there. */
export interface ImageForm {
  readonly compression?: CompressionWish
  /** Media types of docker in place of OCI's. */
  readonly dockerTypes?: boolean
  readonly annotations?: readonly Annotation[]
}

const FORM_KEYS = ['compression', 'compression-level', 'force-compression', 'oci-mediatypes']
const KEYS = new Set(['type', 'dest', 'name', 'push', 'platform-split', ...FORM_KEYS])

function parseOutput(text: string): Output {
  const fields = splitCsv(text) ?? []
  const [first = ''] = fields
  if (fields.length === 1 && !first.includes('='))
    return first === '-' ? { type: 'tar', dest: '-', split: true } : local(first, true)
  const values = new Map(
    fields.map((field): [string, string] => {
      const equals = field.indexOf('=')
      if (equals === -1) throw new InvalidArgument(`invalid value ${field} in --output ${text}`)
      const key = field.slice(0, equals)
      return [ANNOTATION.test(key) ? key : key.toLowerCase(), field.slice(equals + 1)]
    }),
  )
  const unknown = [...values.keys()].find((key) => !KEYS.has(key) && !ANNOTATION.test(key))
  if (unknown !== undefined) throw new InvalidArgument(`unknown key ${unknown} in --output ${text}`)
  return makeOutput(values, text)
}

function makeOutput(values: ReadonlyMap<string, string>, text: string): Output {
  const type = values.get('type') ?? ''
  const dest = values.get('dest')
  const push = isOn(values.get('push'))
  const split = !/^(?:0|f|false)$/i.test(values.get('platform-split') ?? '')
  const form = formOf(values, text)
  const names = (values.get('name') ?? '').split(',').filter((name) => name !== '')
  switch (type) {
    case 'image':
      return { type, names, push, ...form }
    case 'registry':
      return { type: 'image', names, push: true, ...form }
    case 'docker':
      return dest === undefined ? { type: 'image', names, push: false, ...form } : { type, dest, ...form }
    case 'oci':
      return { type, dest: dest ?? '-', ...form }
    case 'tar':
      return { type, dest: dest ?? '-', split }
    case 'local':
      return local(dest ?? '', split)
    case 'cacheonly':
      return { type }
    default:
      throw new InvalidArgument(`unknown type ${JSON.stringify(type)} in --output ${text}`, {
        hint: 'known: image, registry, docker, oci, tar, local, cacheonly',
      })
  }
}

const isOn = (text: string | undefined): boolean => parseBool(text ?? '') === true

const COMPRESSIONS: Readonly<Record<string, Compression>> = { uncompressed: 'none', gzip: 'gzip', zstd: 'zstd' }

/** `annotation.KEY`, `annotation-index.KEY`, `annotation-manifest[linux/arm64].KEY` */
const ANNOTATION = /^annotation(?:-([a-z-]+))?(\[[^\]]*\])?\.(.+)$/

function annotationsIn(values: ReadonlyMap<string, string>, text: string): Pick<ImageForm, 'annotations'> {
  const annotations = [...values].flatMap(([name, value]) => {
    const [whole, type = 'manifest', platform = '', key = ''] = ANNOTATION.exec(name) ?? []
    return whole === undefined ? [] : [{ ...parseAnnotationType(`${type}${platform}`, text), key, value }]
  })
  return annotations.length > 0 ? { annotations } : {}
}

function formOf(values: ReadonlyMap<string, string>, text: string): ImageForm {
  const types = values.get('oci-mediatypes')
  const dockerTypes = types !== undefined && !isOn(types) && { dockerTypes: true }
  const name = values.get('compression')
  const level = values.get('compression-level')
  const force = isOn(values.get('force-compression'))
  const annotations = annotationsIn(values, text)
  if (name === undefined && level === undefined && !force) return { ...dockerTypes, ...annotations }
  const compression = COMPRESSIONS[name ?? 'gzip']
  if (compression === undefined)
    throw new InvalidArgument(`unknown compression ${JSON.stringify(name)} in --output ${text}`, {
      hint: `known: ${Object.keys(COMPRESSIONS).join(', ')}`,
    })
  const wish = { compression, ...(level !== undefined && { level: Number(level) }), ...(force && { force }) }
  checkedLevel(wish)
  return { ...dockerTypes, ...annotations, compression: wish }
}

function local(dest: string, split: boolean): Output {
  if (dest === '-')
    throw new InvalidArgument('--output type=local cannot be standard output', {
      hint: 'type=tar,dest=- is an archive of it',
    })
  if (dest === '') throw new InvalidArgument('--output type=local needs a dest', { hint: 'dest=DIRECTORY' })
  return { type: 'local', dest, split }
}
