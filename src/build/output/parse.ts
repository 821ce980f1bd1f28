/** `--output type=…,dest=…`. */
import { InvalidArgument } from '../../errors.ts'
import type { CompressionWish } from '../../images/compress-layer.ts'
import { splitCsv } from '../../util/csv.ts'
import { COMPRESSION_KEYS, compressionIn, truthIn, type Words } from '../compression-words.ts'
import { type Annotation, parseAnnotationType } from './annotations.ts'

export type Output =
  | ({ readonly type: 'image'; readonly names: readonly string[]; readonly push: boolean } & ImageForm)
  | ArchiveOutput
  | FilesOutput
  | { readonly type: 'cacheonly' }

/** An OCI layout. */
export interface ArchiveOutput extends ImageForm {
  readonly type: 'docker' | 'oci'
  readonly names?: readonly string[]
  /** `-`: standard output */
  readonly dest: string
  /** No tar of it. */
  readonly asDirectory?: true
}

/** The files of the image, without the image. */
export interface FilesOutput {
  readonly type: 'tar' | 'local'
  readonly dest: string
  /** A directory for each platform where there are several. */
  readonly split: boolean
  /** Before the names of what tells of them. */
  readonly attestationPrefix?: string
}

/** @throws {InvalidArgument} */
export function parseOutputs(texts: readonly string[]): readonly Output[] {
  return texts.filter((text) => text !== '').map(parseOutput)
}

/** How an image is written; where nothing is said, as is usual there. */
export interface ImageForm {
  readonly compression?: CompressionWish
  /** Media types of docker in place of OCI's. */
  readonly dockerTypes?: boolean
  readonly annotations?: readonly Annotation[]
}

const KEYS = new Set<string>([
  'type',
  'dest',
  'name',
  'push',
  'tar',
  'platform-split',
  'attestation-prefix',
  'oci-mediatypes',
  ...COMPRESSION_KEYS,
])

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
  const words = wordsOf(values, text)
  const push = truthIn(words, 'push', false)
  const split = truthIn(words, 'platform-split', true)
  const form = { ...formOf(words), ...annotationsIn(values, text) }
  const names = (values.get('name') ?? '').split(',').filter((name) => name !== '')
  const isTar = truthIn(words, 'tar', true)
  const named = names.length > 0 ? { names } : {}
  switch (type) {
    case 'image':
      return { type, names, push, ...form }
    case 'registry':
      return { type: 'image', names, push: true, ...form }
    case 'docker':
      return isTar && dest === undefined
        ? { type: 'image', names, push: false, ...form }
        : archive(type, { dest, isTar, ...named, ...form }, words)
    case 'oci':
      return archive(type, { dest, isTar, ...named, ...form }, words)
    case 'tar':
      return { type, dest: dest ?? '-', split, ...prefixIn(words) }
    case 'local':
      return { ...local(dest ?? '', split), ...prefixIn(words) }
    case 'cacheonly':
      return { type }
    default:
      throw new InvalidArgument(`unknown type ${JSON.stringify(type)} in --output ${text}`, {
        hint: 'known: image, registry, docker, oci, tar, local, cacheonly',
      })
  }
}

function wordsOf(values: ReadonlyMap<string, string>, text: string): Words {
  return {
    get: (key) => values.get(key) || undefined,
    wrong: (what, hint) => {
      throw new InvalidArgument(`${what} in --output ${text}`, { hint })
    },
  }
}

/** `annotation.KEY`, `annotation-index.KEY`, `annotation-manifest[linux/arm64].KEY` */
const ANNOTATION = /^annotation(?:-([a-z-]+))?(\[[^\]]*\])?\.(.+)$/

function annotationsIn(values: ReadonlyMap<string, string>, text: string): Pick<ImageForm, 'annotations'> {
  const annotations = [...values].flatMap(([name, value]) => {
    const [whole, type = 'manifest', platform = '', key = ''] = ANNOTATION.exec(name) ?? []
    return whole === undefined ? [] : [{ ...parseAnnotationType(`${type}${platform}`, text), key, value }]
  })
  return annotations.length > 0 ? { annotations } : {}
}

function formOf(words: Words): ImageForm {
  const compression = compressionIn(words)
  return {
    ...(!truthIn(words, 'oci-mediatypes', true) && { dockerTypes: true }),
    ...(compression !== undefined && { compression }),
  }
}

interface Archive extends Pick<ArchiveOutput, 'names'>, ImageForm {
  readonly dest: string | undefined
  readonly isTar: boolean
}

function archive(type: 'docker' | 'oci', { dest, isTar, ...form }: Archive, words: Words): Output {
  if (isTar) return { type, dest: dest ?? '-', ...form }
  if (dest === undefined || dest === '-') return words.wrong('tar=false needs a directory', 'dest=DIRECTORY')
  return { type, dest, asDirectory: true, ...form }
}

function prefixIn(words: Words): Pick<FilesOutput, 'attestationPrefix'> {
  const attestationPrefix = words.get('attestation-prefix')
  if (attestationPrefix === undefined) return {}
  if (/[/\0]/.test(attestationPrefix)) return words.wrong('attestation-prefix is the beginning of a name')
  return { attestationPrefix }
}

function local(dest: string, split: boolean): FilesOutput {
  if (dest === '-')
    throw new InvalidArgument('--output type=local cannot be standard output', {
      hint: 'type=tar,dest=- is an archive of it',
    })
  if (dest === '') throw new InvalidArgument('--output type=local needs a dest', { hint: 'dest=DIRECTORY' })
  return { type: 'local', dest, split }
}
