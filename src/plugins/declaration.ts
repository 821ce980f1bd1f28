/** What a plugin says about itself comes from strangers: here it becomes data that everybody else can trust. */
import { PluginInvalid } from './errors.ts'
import { permissionFault } from './permissions.ts'
import type { ArgumentDeclaration, CommandDeclaration, FlagDeclaration, Permission } from './plugin.ts'

/** A declaration that has been checked: all parts are there, and nothing else. */
export type Declaration = Required<Omit<CommandDeclaration, 'name' | 'permissions'>> & {
  readonly name: string
  readonly permissions: readonly Permission[]
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/
/** Not `__proto__`, which would not stay a key. */
const KEY = /^[a-zA-Z][\w-]{0,62}$/
const MAX_ENTRIES = 100
/** Nothing that a terminal would obey, or that turns the reading direction of what stands around it. */
const OBEYED = /(?!\n)[\p{Cc}\p{Bidi_Control}]/u

/**
 * @param file - what to call it in errors
 * @param fallbackName - for a declaration without one
 * @throws {PluginInvalid}
 */
export function readDeclaration(value: unknown, file: string, fallbackName: string): Declaration {
  const reader = new Reader(file)
  const source = reader.record(value, 'its default export')
  const permissions = [...new Set(reader.texts(source['permissions'], 'permissions'))]
  const wrong = permissions.find((word) => permissionFault(word) !== undefined)
  if (wrong !== undefined) reader.fail(`it asks for '${visible(wrong)}': ${permissionFault(wrong)}`)
  const name = reader.text(source['name'] ?? fallbackName, 'name', 63)
  if (!NAME.test(name)) reader.fail(`'${name}' cannot be the name of a command: a-z, 0-9 and - can stand in it`)
  return {
    name,
    contract: reader.line(source['contract'], 'contract', 100),
    summary: reader.line(source['summary'], 'summary', 200),
    description: reader.text(source['description'] ?? '', 'description', 10_000),
    version: (source['version'] ?? '') === '' ? '' : reader.line(source['version'], 'version', 64),
    examples: reader.texts(source['examples'], 'examples'),
    args: reader.entries(source['args'], 'args', (each, what) => readArgument(reader, each, what)),
    flags: reader.entries(source['flags'], 'flags', (each, what) => readFlag(reader, each, what)),
    permissions: permissions as Permission[],
  }
}

function readArgument(reader: Reader, source: Fields, what: string): ArgumentDeclaration {
  return {
    description: reader.text(source['description'] ?? '', `${what}.description`, 1000),
    required: source['required'] === true,
    multiple: source['multiple'] === true,
  }
}

function readFlag(reader: Reader, source: Fields, what: string): FlagDeclaration {
  const { type, char, options, default: value } = source
  if (type !== 'boolean' && type !== 'option') return reader.fail(`${what}.type must be 'boolean' or 'option'`)
  if (char !== undefined && !(typeof char === 'string' && /^[a-zA-Z0-9]$/.test(char)))
    return reader.fail(`${what}.char must be one letter`)
  const fallback = typeof value === 'string' ? reader.text(value, `${what}.default`, 1000) : value
  if (fallback !== undefined && typeof fallback !== (type === 'boolean' ? 'boolean' : 'string'))
    return reader.fail(`${what}.default does not fit its type`)
  return {
    type,
    description: reader.text(source['description'] ?? '', `${what}.description`, 1000),
    multiple: source['multiple'] === true,
    ...(char !== undefined && { char }),
    ...(options !== undefined && { options: reader.texts(options, `${what}.options`) }),
    ...(fallback !== undefined && { default: fallback as string | boolean }),
  }
}

type Fields = Readonly<Record<string, unknown>>

class Reader {
  readonly #file: string
  constructor(file: string) {
    this.#file = file
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
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
