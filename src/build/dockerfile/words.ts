/** How the rest of an instruction falls into words. Each instruction has one of these ways. */
import { DockerfileInvalid } from './errors.ts'
import type { CommandLine, Escape } from './types.ts'

/** `keyword` and what follows it. */
export function splitKeyword(text: string): { readonly keyword: string; readonly rest: string } {
  const end = text.search(/[\t\v\f\r ]/)
  return end === -1 ? { keyword: text, rest: '' } : { keyword: text.slice(0, end), rest: text.slice(end).trim() }
}

/** By blanks, which nothing protects. */
export function splitBlanks(rest: string): readonly string[] {
  return rest === '' ? [] : rest.split(/[\t\v\f\r ]+/)
}

/**
 * By blanks outside quotes; quotes and escapes stay in the words, for `expand` to take out. A quote that is not closed
 * reaches to the end.
 */
export function splitQuoted(rest: string, token: Escape): readonly string[] {
  const words: string[] = []
  for (let start = 0; start < rest.length; ) {
    const end = wordEnd(rest, start, token)
    if (end > start) words.push(rest.slice(start, end))
    start = end + 1
  }
  // An escape character that escapes nothing is dropped.
  const last = words.pop() ?? ''
  return [...words, hasLooseEnd(last, token) ? last.slice(0, -1) : last].filter((word) => word !== '')
}

function wordEnd(rest: string, start: number, token: Escape): number {
  let quote = ''
  for (let index = start; index < rest.length; index += 1) {
    const character = rest[index] ?? ''
    if (quote === '' && /\s/.test(character)) return index
    if (character === token && quote !== "'") index += 1
    else if (character === quote) quote = ''
    else if (quote === '' && isQuote(character)) quote = character
  }
  return rest.length
}

export function isQuote(character: string): boolean {
  return character === '"' || character === "'"
}

/** Ends with an odd number of escape characters. */
function hasLooseEnd(text: string, token: Escape): boolean {
  let count = 0
  while (text[text.length - 1 - count] === token) count += 1
  return count % 2 === 1
}

/**
 * The strings of a JSON array; undefined when the text is something else, also nearly an array.
 *
 * @throws {DockerfileInvalid} an array with other things than strings
 */
export function parseJsonWords(rest: string): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  const value = parseJson(rest)
  if (!Array.isArray(value)) return undefined
  if (value.every((item) => typeof item === 'string')) {
    if (value.some((item) => item.includes('\0'))) throw new DockerfileInvalid('a NUL character', { near: '\\u0000' })
    return value.map((item) => item.toWellFormed())
  }
  throw new DockerfileInvalid('when using JSON array syntax, arrays must be comprised of strings only', {
    near: rest,
    hint: 'put every element into double quotes',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Exec form when it is a JSON array of strings, else shell form. */
export function parseCommandLine(rest: string): CommandLine {
  const args = parseJsonWords(rest)
  return args === undefined ? { form: 'shell', text: rest } : { form: 'exec', args }
}

/** A JSON array of strings, or words between blanks. */
export function parsePathList(rest: string): { readonly words: readonly string[]; readonly isJson: boolean } {
  const words = parseJsonWords(rest)
  return words === undefined ? { words: splitBlanks(rest), isJson: false } : { words, isJson: true }
}
