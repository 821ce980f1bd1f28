/** `--cache-from` and `--cache-to`. */
import { InvalidArgument } from '../../errors.ts'
import { type CompressionWish, USUAL } from '../../images/compress-layer.ts'
import { parseReference } from '../../oci/reference.ts'
import { splitCsv } from '../../util/csv.ts'
import { COMPRESSION_KEYS, compressionIn, truthIn, type Words } from '../compression-words.ts'
import { hostPath } from '../parse-request.ts'

/** Where results of earlier builds are. */
export type CacheFrom =
  | { readonly type: 'registry'; readonly ref: string }
  | { readonly type: 'local'; readonly src: string; readonly tag: string; readonly digest: string | undefined }

/** `max`: of all stages; `min`: of those steps alone whose layers are in the result. */
export type CacheTo = { readonly mode: 'min' | 'max' } & (
  | { readonly type: 'inline' }
  | ({ readonly type: 'registry'; readonly ref: string } & CacheForm)
  | ({ readonly type: 'local'; readonly dest: string; readonly tag: string } & CacheForm)
)

export interface CacheForm {
  readonly compression: CompressionWish
  /** A failure is told, and nothing more. */
  readonly ignoreError: boolean
}

const FORM_KEYS = [...COMPRESSION_KEYS, 'ignore-error', 'image-manifest', 'oci-mediatypes']
const OF_OTHERS = ['gha', 's3', 'azblob']

/** An image alone is a registry's. @throws {InvalidArgument} */
export function parseCacheFrom(texts: readonly string[]): readonly CacheFrom[] {
  return texts
    .filter((text) => text !== '')
    .map((text) => {
      const words = new CacheWords('cache-from', text)
      if (words.type === 'registry') {
        words.allow(['ref'])
        return { type: 'registry', ref: words.reference() }
      }
      if (words.type !== 'local') return words.unknownType(['registry', 'local'])
      words.allow(['src', 'tag', 'digest'])
      const digest = words.get('digest')
      return { type: 'local', src: hostPath(words.needed('src')), tag: words.get('tag') ?? 'latest', digest }
    })
}

/** @throws {InvalidArgument} */
export function parseCacheTo(texts: readonly string[]): readonly CacheTo[] {
  return texts
    .filter((text) => text !== '')
    .map((text) => {
      const words = new CacheWords('cache-to', text)
      const mode = words.get('mode') ?? 'min'
      if (mode !== 'min' && mode !== 'max') return words.wrong(`unknown mode ${mode}`, 'known: min, max')
      switch (words.type) {
        case 'inline':
          words.allow(['mode', 'ignore-error'])
          if (mode === 'max') return words.wrong('type=inline has mode=min alone', 'use type=registry for mode=max')
          return { type: 'inline', mode }
        case 'registry': {
          words.allow(['mode', 'ref', ...FORM_KEYS])
          const ref = words.reference()
          if (parseReference(ref).digest !== undefined)
            return words.wrong('nothing can be pushed to a digest', 'name a tag')
          return { type: 'registry', mode, ref, ...words.form() }
        }
        case 'local':
          words.allow(['mode', 'dest', 'tag', ...FORM_KEYS])
          return {
            type: 'local',
            mode,
            dest: hostPath(words.needed('dest')),
            tag: words.get('tag') ?? 'latest',
            ...words.form(),
          }
        default:
          return words.unknownType(['registry', 'local', 'inline'])
      }
    })
}

/** `key=value,…` of one flag. */
class CacheWords implements Words {
  readonly #flag: string
  readonly #text: string
  readonly #values: ReadonlyMap<string, string>

  constructor(flag: string, text: string) {
    this.#flag = flag
    this.#text = text
    const fields = splitCsv(text) ?? []
    const pairs = fields.map((field): [string, string] => {
      const equals = field.indexOf('=')
      if (equals !== -1) return [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)]
      return fields.length === 1 ? ['ref', field] : this.wrong(`invalid value ${field}`)
    })
    this.#values = new Map(pairs)
  }

  get type(): string {
    return this.get('type') ?? (this.#values.has('ref') ? 'registry' : '')
  }

  get(key: string): string | undefined {
    return this.#values.get(key) || undefined
  }

  allow(keys: readonly string[]): void {
    const unknown = [...this.#values.keys()].find((key) => key !== 'type' && !keys.includes(key))
    if (unknown !== undefined) this.wrong(`unknown key ${unknown}`, `known: ${keys.join(', ')}`)
  }

  needed(key: string): string {
    return this.get(key) ?? this.wrong(`type=${this.type} needs ${key}=…`)
  }

  reference(): string {
    const ref = this.needed('ref')
    parseReference(ref)
    return ref
  }

  form(): CacheForm {
    // What every registry has taken for years is written, and nothing else.
    for (const key of ['image-manifest', 'oci-mediatypes'])
      if (!truthIn(this, key, true)) this.wrong(`${key}=false is not supported`, 'caches are image manifests of OCI')
    return { compression: compressionIn(this) ?? USUAL, ignoreError: truthIn(this, 'ignore-error', false) }
  }

  unknownType(known: readonly string[]): never {
    const { type } = this
    const hint = OF_OTHERS.includes(type)
      ? 'keep the cache in a registry: type=registry,ref=NAME'
      : `known: ${known.join(', ')}`
    return this.wrong(`type ${JSON.stringify(type)} is not supported`, hint)
  }

  wrong(what: string, hint?: string): never {
    throw new InvalidArgument(`--${this.#flag} ${this.#text.slice(0, 300)}: ${what}`, { hint })
  }
}
