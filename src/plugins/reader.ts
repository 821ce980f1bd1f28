/** Reads the data of strangers field by field. */
import { PluginInvalid } from './errors.ts'

/** Not `__proto__`, which would not stay a key. */
const KEY = /^[a-zA-Z][\w-]{0,62}$/
const MAX_ENTRIES = 100
/** Nothing that a terminal would obey, or that turns the reading direction of what stands around it. */
const OBEYED = /(?!\n)[\p{Cc}\p{Bidi_Control}]/u

export type Fields = Readonly<Record<string, unknown>>

/** Takes texts, lists and records out of what a stranger has written; what is none of them, or too much, is refused. */
export class Reader {
  readonly #file: string
  constructor(file: string) {
    this.#file = file
  }

  /** As it may be shown. */
  visible(text: string): string {
    return visible(text.slice(0, 100))
  }

  fail(reason: string): never {
    throw new PluginInvalid(this.#file, reason)
  }

  record(value: unknown, what: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail(`${what} must be an object`)
    return value as Fields
  }

  text(value: unknown, what: string, maxLength: number): string {
    if (typeof value !== 'string') return this.fail(`${what} must be a text`)
    if (value.length > maxLength) this.fail(`${what} is longer than ${maxLength} characters`)
    if (OBEYED.test(value)) this.fail(`${what} holds characters that a terminal obeys: ${visible(value.slice(0, 100))}`)
    return value
  }

  /** Of one line, and not empty. */
  line(value: unknown, what: string, maxLength: number): string {
    const text = this.text(value, what, maxLength)
    if (text.trim() === '' || text.includes('\n')) this.fail(`${what} must be one line`)
    return text
  }

  texts(value: unknown, what: string): string[] {
    if (value === undefined) return []
    if (!Array.isArray(value) || value.length > MAX_ENTRIES) return this.fail(`${what} must be a list`)
    return value.map((each: unknown) => this.text(each, what, 4096))
  }

  entries<T>(value: unknown, what: string, read: (fields: Fields, what: string) => T): Record<string, T> {
    if (value === undefined) return {}
    const entries = Object.entries(this.record(value, what))
    if (entries.length > MAX_ENTRIES) this.fail(`${what} has more than ${MAX_ENTRIES} entries`)
    return Object.fromEntries(
      entries.map(([key, each]) => {
        if (!KEY.test(key)) this.fail(`${what} has an entry named '${visible(key.slice(0, 100))}'`)
        return [key, read(this.record(each, `${what}.${key}`), `${what}.${key}`)]
      }),
    )
  }
}

/** As in ui/text.ts, where this room cannot look: control characters as `\u001b`. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
