/** Heredocs: which ones a line opens. Quotes and blanks are those of a shell, and the escape character always `\`. */
import type { Heredoc } from './types.ts'

export type HeredocHead = Omit<Heredoc, 'content'>

const HEAD = /^(\d{0,9})<<(-?)\s*([^<\s][^<]*)$/

/** `3<<-"EOF"` as one word; undefined for anything else. */
export function parseHeredocHead(word: string): HeredocHead | undefined {
  const match = HEAD.exec(word)
  if (match === null) return undefined
  const name = unquoteName(match[3] ?? '')
  if (name === undefined) return undefined
  return {
    name: name.text,
    expand: !name.isQuoted,
    chomp: match[2] === '-',
    fileDescriptor: Number(match[1] || '0'),
  }
}

/** The heredocs that a line opens, in its order; none where its quotes do not match. */
export function findHeredocs(line: string): readonly HeredocHead[] {
  if (!line.includes('<<')) return []
  return shellWords(line).flatMap((word) => parseHeredocHead(word) ?? [])
}

/** Lines without the tabs at their beginning. */
export function chompTabs(text: string): string {
  return text.replace(/^\t+/gm, '')
}

/** One word without its quotes; undefined for more than one, for none, and for a quote that is not closed. */
function unquoteName(text: string): { readonly text: string; readonly isQuoted: boolean } | undefined {
  const words = shellWords(text)
  const [word] = words
  if (word === undefined || words.length > 1) return undefined
  const pieces = word.matchAll(/'([^']*)'|"([^"\\]*(?:\\.[^"\\]*)*)"|\\(.?)|[^'"\\]+/gs)
  const unquoted = [...pieces]
    .map(([whole, single, double, escaped]) => single ?? double?.replace(/\\(["\\$])/g, '$1') ?? escaped ?? whole)
    .join('')
  return unquoted === '' ? undefined : { text: unquoted, isQuoted: /["']/.test(word) }
}

/** Words with their quotes and escapes; blanks behind `<<` do not end one. None where a quote is not closed. */
function shellWords(line: string): readonly string[] {
  const words: string[] = []
  let start = -1
  for (let index = 0; index < line.length; ) {
    const isBlank = /\s/.test(line[index] ?? '')
    if (isBlank && start !== -1) words.push(line.slice(start, index))
    start = isBlank ? -1 : start === -1 ? index : start
    const end = isBlank ? index + 1 : skipPiece(line, index)
    if (end === undefined) return []
    index = end
  }
  if (start !== -1) words.push(line.slice(start))
  return words
}

/** Behind one character of a word, an escaped one, `<<` with the blanks after it, or all that stands in quotes. */
function skipPiece(line: string, start: number): number | undefined {
  const character = line[start]
  if (character === '\\') return start + 2
  if (character === "'") return behind(line.indexOf("'", start + 1))
  if (character === '"') return behindDoubleQuotes(line, start + 1)
  if (!line.startsWith('<<', start)) return start + 1
  let end = start + 2
  while (line[end] === ' ' || line[end] === '\t' || line[end] === '\r') end += 1
  return end
}

function behindDoubleQuotes(line: string, start: number): number | undefined {
  for (let index = start; index < line.length; index += 1)
    if (line[index] === '"') return index + 1
    else if (line[index] === '\\') index += 1
  return undefined
}

function behind(index: number): number | undefined {
  return index === -1 ? undefined : index + 1
}
