/** The resource `wasi:http/types.fields`: headers in their order, each name as it was written. */
import { Failure } from '../failure.ts'

export type Entry = readonly [name: string, value: Uint8Array]

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,1024}$/
/** Of the connection, not of the message: whoever sets them could end a message early and begin another. */
const FORBIDDEN = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])
/** More than Node takes from a client. */
const MAX_BYTES = 128 * 1024

export class Fields {
  #entries: Entry[] = []
  #bytes = 0
  #frozen = false

  static fromList(entries: readonly Entry[]): Fields {
    const fields = new Fields()
    for (const [name, value] of entries) fields.append(name, value)
    return fields
  }

  /** What came over the wire, or goes there: it cannot be changed any more. */
  static frozen(entries: readonly Entry[]): Fields {
    const fields = new Fields()
    fields.#entries = [...entries]
    return fields.freeze()
  }

  freeze(): this {
    this.#frozen = true
    return this
  }

  get(name: string): Uint8Array[] {
    const wanted = name.toLowerCase()
    return this.#entries.filter(([own]) => own.toLowerCase() === wanted).map(([, value]) => value)
  }
  has(name: string): boolean {
    return this.get(name).length > 0
  }
  set(name: string, values: readonly Uint8Array[]): void {
    this.delete(name)
    for (const value of values) this.append(name, value)
  }
  append(name: string, value: Uint8Array): void {
    this.#check(name)
    // Within a value these would end it.
    if (value.some((byte) => (byte < 0x20 && byte !== 0x09) || byte === 0x7f))
      throw new Failure({ tag: 'invalid-syntax' })
    const bytes = this.#bytes + name.length + value.length
    if (bytes > MAX_BYTES) throw new Failure({ tag: 'invalid-syntax' })
    this.#bytes = bytes
    this.#entries.push([name, value])
  }
  delete(name: string): void {
    this.#check(name)
    const wanted = name.toLowerCase()
    this.#entries = this.#entries.filter(([own]) => own.toLowerCase() !== wanted)
    this.#bytes = this.#entries.reduce((sum, [own, value]) => sum + own.length + value.length, 0)
  }
  entries(): Entry[] {
    return [...this.#entries]
  }
  clone(): Fields {
    const copy = new Fields()
    copy.#entries = [...this.#entries]
    copy.#bytes = this.#bytes
    return copy
  }

  #check(name: string): void {
    if (this.#frozen) throw new Failure({ tag: 'immutable' })
    if (!NAME.test(name)) throw new Failure({ tag: 'invalid-syntax' })
    if (FORBIDDEN.has(name.toLowerCase())) throw new Failure({ tag: 'forbidden' })
  }
}

/** Headers as Node has them, name and value by turns. */
export function fromRaw(raw: readonly string[]): Fields {
  const entries: Entry[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? ''
    if (!FORBIDDEN.has(name.toLowerCase())) entries.push([name, Buffer.from(raw[at + 1] ?? '', 'latin1')])
  }
  return Fields.frozen(entries)
}

/** The other way. */
export function toRaw(fields: Fields): string[] {
  return toPairs(fields).flat()
}

export function toPairs(fields: Fields): [string, string][] {
  return fields.entries().map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
}

/** What `content-length` says. */
export function declaredLength(fields: Fields): number | undefined {
  const [value] = fields.get('content-length')
  const text = value === undefined ? '' : Buffer.from(value).toString('latin1')
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
