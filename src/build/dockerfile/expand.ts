/** Quotes, escapes and variables of a word: `$x`, `${x:-word}` and its kin, as BuildKit understands them. */
import { DockerfileInvalid } from './errors.ts'
import { removePrefix, removeSuffix, replaceMatches } from './pattern.ts'
import type { Escape } from './types.ts'

export interface Expansion {
  /** The value of a variable; undefined where it is not set. */
  readonly lookup: (name: string) => string | undefined
  readonly escape: Escape
}

/** Nobody needs more, and `ENV a=$a$a` doubles. */
const MAX_LENGTH = 1 << 20
const MAX_DEPTH = 100

/**
 * One word to one word.
 *
 * @throws {DockerfileInvalid} quotes or braces that are not closed, an unknown modifier, `${x:?message}` of an unset
 * variable, or a result of more than 1 Mi characters
 */
export function expandWord(word: string, expansion: Expansion): string {
  return joined(new Expander(word, { ...expansion, quotes: true }).expandAll())
}

/** One word to any number: what variables hold falls apart at blanks. @throws {DockerfileInvalid} as `expandWord` */
export function expandWords(word: string, expansion: Expansion): readonly string[] {
  const words = ['']
  const append = (text: string) => words.push(`${words.pop() ?? ''}${text}`)
  for (const { text, isProtected } of new Expander(word, { ...expansion, quotes: true }).expandAll()) {
    const [first = '', ...rest] = isProtected ? [text] : text.split(/\s+/)
    append(first)
    words.push(...rest)
  }
  return words.filter((one) => one !== '')
}

/** The body of a heredoc: quotes are text, and the escape character is always `\`. @throws {DockerfileInvalid} */
export function expandHeredoc(content: string, lookup: Expansion['lookup']): string {
  return joined(new Expander(content, { lookup, escape: '\\', quotes: false }).expandAll(), content.length)
}

interface Piece {
  readonly text: string
  /** Quoted or escaped: blanks in it separate nothing. */
  readonly isProtected: boolean
}

function joined(pieces: readonly Piece[], allowance = 0): string {
  const length = pieces.reduce((sum, { text }) => sum + text.length, 0)
  if (length > MAX_LENGTH + allowance)
    throw new DockerfileInvalid(`a value grows larger than ${MAX_LENGTH >> 10} Ki characters`)
  return pieces.length === 1 ? (pieces[0]?.text ?? '') : pieces.map(({ text }) => text).join('')
}

interface Context {
  /** The character that ends this part; undefined for the end of the word. */
  readonly stop?: '}' | '/'
  /** Escape characters stay: they mean something in patterns. */
  readonly keepEscapes: boolean
}

/** Goes through one word once. */
class Expander {
  readonly #word: string
  readonly #options: Expansion & { readonly quotes: boolean }
  #position = 0
  #depth = 0

  constructor(word: string, options: Expansion & { readonly quotes: boolean }) {
    this.#word = word
    this.#options = options
  }

  expandAll(): readonly Piece[] {
    return this.#readPart({ keepEscapes: false })
  }

  #readPart(context: Context): readonly Piece[] {
    const pieces: Piece[] = []
    while (this.#position < this.#word.length) {
      const character = this.#word[this.#position]
      if (character === context.stop) {
        this.#position += 1
        return pieces
      }
      pieces.push(this.#readPiece(character, context))
    }
    if (context.stop !== undefined) throw this.#fault(`syntax error: missing '${context.stop}'`)
    return pieces
  }

  #readPiece(character: string | undefined, context: Context): Piece {
    if (character === '$') return { text: this.#readVariable(), isProtected: false }
    if (character === this.#options.escape) return { text: this.#readEscaped(context), isProtected: true }
    if (character === "'" && this.#options.quotes) return { text: this.#readSingleQuoted(), isProtected: true }
    if (character === '"' && this.#options.quotes) return { text: this.#readDoubleQuoted(context), isProtected: true }
    return { text: this.#readPlain(context), isProtected: false }
  }

  #readPlain({ stop }: Context): string {
    const start = this.#position
    const { escape: token, quotes } = this.#options
    for (this.#position += 1; this.#position < this.#word.length; this.#position += 1) {
      const character = this.#word[this.#position]
      const isQuote = quotes && (character === '"' || character === "'")
      if (character === stop || character === '$' || character === token || isQuote) break
    }
    return this.#word.slice(start, this.#position)
  }

  /** The character behind the escape character; at the end there is none. */
  #readEscaped({ keepEscapes }: Context): string {
    const start = this.#position
    this.#position += 1
    const next = this.#word.codePointAt(this.#position)
    if (next !== undefined) this.#position += next > 0xffff ? 2 : 1
    return this.#word.slice(keepEscapes ? start : start + 1, this.#position)
  }

  #readSingleQuoted(): string {
    const start = this.#position + 1
    const end = this.#word.indexOf("'", start)
    if (end === -1) throw this.#fault('unexpected end of statement while looking for matching single-quote')
    this.#position = end + 1
    return this.#word.slice(start, end)
  }

  #readDoubleQuoted(context: Context): string {
    const { escape: token } = this.#options
    const parts: string[] = []
    for (this.#position += 1; this.#position < this.#word.length; ) {
      const character = this.#word[this.#position] ?? ''
      if (character === '"') {
        this.#position += 1
        return parts.join('')
      }
      if (character === '$') parts.push(this.#readVariable())
      else if (character !== token) parts.push(this.#readQuotedText())
      else if (this.#isEscapable(this.#word[this.#position + 1])) parts.push(this.#readEscaped(context))
      else {
        this.#position += 1
        parts.push(token)
      }
    }
    throw this.#fault('unexpected end of statement while looking for matching double-quote')
  }

  /** All others keep their escape character, as in a shell. */
  #isEscapable(character: string | undefined): boolean {
    return character === '"' || character === '$' || character === this.#options.escape
  }

  #readQuotedText(): string {
    const start = this.#position
    for (; this.#position < this.#word.length; this.#position += 1) {
      const character = this.#word[this.#position]
      if (character === '"' || character === '$' || character === this.#options.escape) break
    }
    return this.#word.slice(start, this.#position)
  }

  #readVariable(): string {
    this.#position += 1
    if (this.#word[this.#position] === '{') return this.#readBraces()
    const name = this.#readName()
    return name === '' ? '$' : (this.#options.lookup(name) ?? '')
  }

  #readName(): string {
    // Go's idea of letters; a number, and each of the shell's special parameters, is a name as well.
    const pattern = /\d+|[@*#?\-$!]|[\p{L}_][\p{L}\p{Nd}_]*|/uy
    pattern.lastIndex = this.#position
    const name = pattern.exec(this.#word)?.[0] ?? ''
    this.#position += name.length
    return name
  }

  #readBraces(): string {
    this.#position += 1
    const next = this.#word[this.#position]
    if (next === undefined) throw this.#fault("syntax error: missing '}'")
    if (next === '{' || next === '}' || next === ':') throw this.#fault('syntax error: bad substitution')
    const name = this.#readName()
    const isColon = this.#word[this.#position] === ':'
    if (isColon) this.#position += 1
    const modifier = this.#word[this.#position] ?? ''
    this.#position += 1
    if (modifier === '}' && !isColon) return this.#options.lookup(name) ?? ''
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw this.#fault('variables are nested too deeply')
    const value = this.#substitute(name, `${isColon ? ':' : ''}${modifier}`)
    this.#depth -= 1
    return value
  }

  #substitute(name: string, modifier: string): string {
    const value = this.#options.lookup(name) ?? ''
    switch (modifier) {
      case '-':
      case ':-':
      case '+':
      case ':+':
      case '?':
      case ':?':
        return this.#choose(name, modifier)
      case '#':
      case '%':
        return this.#trim(value, modifier)
      case '/':
        return this.#replace(value)
      default:
        throw this.#fault(
          modifier === '' || modifier === ':'
            ? "syntax error: missing '}'"
            : `unsupported modifier (${modifier}) in substitution`,
        )
    }
  }

  /** With a colon, empty counts as unset. */
  #choose(name: string, modifier: `${'' | ':'}${'-' | '+' | '?'}`): string {
    const value = this.#options.lookup(name)
    const isMissing = value === undefined || (modifier.startsWith(':') && value === '')
    const word = this.#readWord()
    if (modifier.endsWith('-')) return isMissing ? word : value
    if (modifier.endsWith('+')) return isMissing ? '' : word
    if (!isMissing) return value
    throw this.#fault(
      `${name.slice(0, 80)}: ${word.slice(0, 500) || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`,
    )
  }

  #readWord(keepEscapes = false, stop: '}' | '/' = '}'): string {
    return joined(this.#readPart({ stop, keepEscapes }))
  }

  #trim(value: string, modifier: '#' | '%'): string {
    const word = this.#readWord(true)
    const isDoubled = word.startsWith(modifier)
    const remove = modifier === '#' ? removePrefix : removeSuffix
    return remove(value, isDoubled ? word.slice(1) : word, isDoubled ? 'longest' : 'shortest')
  }

  #replace(value: string): string {
    const all = this.#word[this.#position] === '/'
    if (all) this.#position += 1
    const pattern = this.#readWord(true, '/')
    const by = this.#readWord(true)
    return replaceMatches(value, pattern, { by, all })
  }

  #fault(problem: string): DockerfileInvalid {
    return new DockerfileInvalid(problem, { near: this.#word })
  }
}
