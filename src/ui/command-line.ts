/** Reads a command's words the way docker (pflag) does: the flag definitions are oclif's, the grammar is docker's. */
import { UsageError } from './errors.ts'

/** What is needed of an oclif flag. */
export interface FlagShape {
  readonly type: 'boolean' | 'option'
  readonly char?: string | undefined
  readonly multiple?: boolean | undefined
  readonly allowNo?: boolean | undefined
  readonly aliases?: readonly string[] | undefined
  readonly options?: readonly string[] | undefined
  /** What it means without a value; a value then stands behind `=`. */
  readonly bare?: BareFlag | undefined
  /** Names of flags that it does not go together with. */
  readonly exclusive?: readonly string[] | undefined
  readonly default?: unknown
}

export interface BareFlag {
  readonly value: string
  /** A value may also be the next word, unless that looks like this. */
  readonly before?: RegExp
}

export interface CommandLineShape {
  readonly flags: Readonly<Record<string, FlagShape>>
  /** Whatever stands behind the first argument is left alone (`run IMAGE COMMAND -x`). */
  readonly stopAtFirstArgument: boolean
}

export interface CommandLine {
  readonly flags: Record<string, boolean | string | string[]>
  /** Names of flags that were typed, as opposed to defaulted. */
  readonly given: ReadonlySet<string>
  readonly positional: readonly string[]
  readonly helpWanted: boolean
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

/** @throws {UsageError} in docker's words */
export function parseCommandLine(words: readonly string[], shape: CommandLineShape): CommandLine {
  const reader = new Reader(words, shape)
  return reader.read()
}

class Reader {
  readonly #words: string[]
  readonly #shape: CommandLineShape
  readonly #long = new Map<string, string>()
  readonly #short = new Map<string, string>()
  readonly #flags: Record<string, boolean | string | string[]> = {}
  readonly #given = new Set<string>()
  #helpWanted = false

  constructor(words: readonly string[], shape: CommandLineShape) {
    this.#words = [...words]
    this.#shape = shape
    for (const [name, flag] of Object.entries(shape.flags)) {
      for (const alias of [name, ...(flag.aliases ?? [])]) this.#long.set(alias, name)
      if (flag.char !== undefined) this.#short.set(flag.char, name)
    }
  }

  read(): CommandLine {
    const positional: string[] = []
    for (let word = this.#words.shift(); word !== undefined; word = this.#words.shift()) {
      if (word === '--') {
        positional.push(...this.#words.splice(0))
      } else if (word.startsWith('--')) {
        this.#readLong(word)
      } else if (word.startsWith('-') && word !== '-') {
        this.#readShort(word)
      } else {
        positional.push(word)
        if (this.#shape.stopAtFirstArgument) positional.push(...this.#words.splice(0))
      }
    }
    this.#refuseExclusive()
    for (const [name, flag] of Object.entries(this.#shape.flags)) this.#applyDefault(name, flag)
    return { flags: this.#flags, given: this.#given, positional, helpWanted: this.#helpWanted }
  }

  #refuseExclusive(): void {
    for (const name of this.#given) {
      const other = this.#shape.flags[name]?.exclusive?.find((one) => this.#given.has(one))
      if (other !== undefined) throw new UsageError(`conflicting options: --${name} and --${other}`)
    }
  }

  #readLong(word: string): void {
    const equals = word.indexOf('=')
    const typed = word.slice(2, equals === -1 ? undefined : equals)
    const value = equals === -1 ? undefined : word.slice(equals + 1)
    const negated = typed.startsWith('no-') ? this.#long.get(typed.slice(3)) : undefined
    const name = this.#long.get(typed)
    if (name !== undefined) this.#take(name, `--${typed}`, value)
    else if (negated !== undefined && value === undefined && this.#shape.flags[negated]?.allowNo)
      this.#set(negated, false)
    else if (typed === 'help') this.#helpWanted = true
    else throw new UsageError(typed === '' ? `bad flag syntax: ${word}` : `unknown flag: --${typed}`)
  }

  /** `-it`, `-m64m`, `-m=64m`, `-m 64m`, `-itm 64m`. */
  #readShort(word: string): void {
    for (let rest = word.slice(1); rest !== ''; ) {
      const char = String.fromCodePoint(rest.codePointAt(0) ?? 0)
      rest = rest.slice(char.length)
      const name = this.#short.get(char)
      if (name === undefined) {
        if (char !== 'h') throw new UsageError(`unknown shorthand flag: '${char}' in ${word}`)
        this.#helpWanted = true
        continue
      }
      const boolean = this.#shape.flags[name]?.type === 'boolean'
      if (boolean && !rest.startsWith('=')) {
        this.#set(name, true)
        continue
      }
      const inline = rest === '' ? undefined : rest.replace(/^=/, '')
      this.#take(name, `'${char}' in ${word}`, inline)
      rest = ''
    }
  }

  #take(name: string, typed: string, inline: string | undefined): void {
    const flag = this.#shape.flags[name]
    if (flag?.type === 'boolean') {
      this.#set(name, inline === undefined ? true : readBoolean(inline, this.#display(name)))
      return
    }
    const value = inline ?? this.#bareValue(flag?.bare) ?? this.#words.shift()
    if (value === undefined) throw new UsageError(`flag needs an argument: ${typed}`)
    if (flag?.options !== undefined && !flag.options.includes(value)) {
      const reason = `must be one of: ${flag.options.join(', ')}`
      throw new UsageError(`invalid argument "${value}" for "${this.#display(name)}" flag: ${reason}`)
    }
    const before = this.#flags[name]
    this.#set(name, flag?.multiple ? [...(Array.isArray(before) ? before : []), value] : value)
  }

  #bareValue(bare: BareFlag | undefined): string | undefined {
    if (bare === undefined) return undefined
    const [next] = this.#words
    return next === undefined || bare.before === undefined || bare.before.test(next) ? bare.value : undefined
  }

  #set(name: string, value: boolean | string | string[]): void {
    this.#flags[name] = value
    this.#given.add(name)
  }

  #applyDefault(name: string, flag: FlagShape): void {
    if (this.#given.has(name)) return
    if (typeof flag.default === 'string' || typeof flag.default === 'boolean') this.#flags[name] = flag.default
    else if (Array.isArray(flag.default)) this.#flags[name] = flag.default.map(String)
  }

  /** As docker's messages have it: `-a, --all`. */
  #display(name: string): string {
    const char = this.#shape.flags[name]?.char
    return char === undefined ? `--${name}` : `-${char}, --${name}`
  }
}

function readBoolean(text: string, display: string): boolean {
  if (TRUE.has(text)) return true
  if (FALSE.has(text)) return false
  throw new UsageError(
    `invalid argument "${text}" for "${display}" flag: strconv.ParseBool: parsing "${text}": invalid syntax`,
  )
}

/** What is needed of an oclif argument. */
export interface ArgumentShape {
  readonly required?: boolean | undefined
  readonly multiple?: boolean | undefined
  readonly default?: unknown
}

/**
 * Gives the words to the arguments in order; the one that takes several gets what is left over.
 *
 * @param strict - false: words beyond the last argument are allowed
 * @throws {UsageError} too few or too many, in docker's words
 */
export function assignArguments(
  positional: readonly string[],
  shapes: Readonly<Record<string, ArgumentShape>>,
  options: { readonly command: string; readonly strict: boolean },
): Record<string, string | string[] | undefined> {
  const entries = Object.entries(shapes)
  checkCount(positional.length, entries, options)
  const behindMultiple = entries.length - 1 - entries.findIndex(([, { multiple }]) => multiple === true)
  const words = [...positional]
  return Object.fromEntries(
    entries.map(([name, { multiple, default: fallback }]) => {
      if (multiple !== true) return [name, words.shift() ?? (typeof fallback === 'string' ? fallback : undefined)]
      const taken = words.splice(0, Math.max(words.length - behindMultiple, 0))
      return [name, taken.length === 0 ? undefined : taken]
    }),
  )
}

function checkCount(
  count: number,
  entries: readonly (readonly [string, ArgumentShape])[],
  { command, strict }: { readonly command: string; readonly strict: boolean },
): void {
  const least = entries.filter(([, { required }]) => required === true).length
  const most = !strict || entries.some(([, { multiple }]) => multiple === true) ? Infinity : entries.length
  if (count >= least && count <= most) return
  if (most === 0) throw new UsageError(`coracle: '${command}' accepts no arguments`, 1)
  const number = least === most ? `${least}` : count < least ? `at least ${least}` : `at most ${most}`
  const plural = (least === most || count < least ? least : most) === 1 ? '' : 's'
  throw new UsageError(`coracle: '${command}' requires ${number} argument${plural}`, 1)
}
