/** `WWW-Authenticate`: several challenges may stand in one header, and quoted values may hold commas (RFC 9110, 11.6.1). */

export interface Challenge {
  /** lower case */
  readonly scheme: string
  /** keys lower case */
  readonly parameters: Readonly<Record<string, string>>
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const MAX_LENGTH = 16_384

/** What is malformed ends the list; nothing throws, because the header is the other side's. */
export function parseChallenges(headers: string | readonly string[] | undefined): readonly Challenge[] {
  if (headers === undefined) return []
  return (typeof headers === 'string' ? [headers] : headers).flatMap((header) =>
    parseHeader(header.slice(0, MAX_LENGTH)),
  )
}

function parseHeader(text: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  let at = 0
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = at
    at += pattern.exec(text)?.[0].length ?? 0
  }
  while (at < text.length) {
    skip(/[\s,]*/y)
    const word = match(TOKEN, text, at)
    if (word === undefined) break
    at += word.length
    skip(/[ \t]*/y)
    if (text[at] !== '=') {
      challenges.push({ scheme: word.toLowerCase(), parameters: {} })
      continue
    }
    at++
    skip(/[ \t]*/y)
    const value = readValue(text, at)
    const last = challenges.at(-1)
    if (value === undefined || last === undefined) break
    at = value.end
    last.parameters[word.toLowerCase()] ??= value.text
  }
  return challenges
}

function readValue(text: string, at: number): { readonly text: string; readonly end: number } | undefined {
  if (text[at] !== '"') {
    const word = match(/[^\s,"]+/y, text, at)
    return word === undefined ? undefined : { text: word, end: at + word.length }
  }
  const quoted = match(/"(?:[^"\\]|\\.)*"/y, text, at)
  return quoted === undefined
    ? undefined
    : { text: quoted.slice(1, -1).replace(/\\(.)/g, '$1'), end: at + quoted.length }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}
