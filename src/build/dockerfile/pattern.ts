/** Patterns of `${x#p}`, `${x%p}` and `${x/p/r}`: `*`, `?`, escapes, and no `[…]`. In linear time but for hostile ones. */
import { DockerfileInvalid } from './errors.ts'

/** A character, or undefined for any one. */
type Piece = string | undefined
/** What stands between the stars. */
type Pattern = readonly (readonly Piece[])[]

/** Characters of the value times those of the pattern: what a search may cost. */
const MAX_COST = 1 << 24

type Length = 'shortest' | 'longest'

/** `${x#p}` and `${x##p}`. @throws {DockerfileInvalid} a pattern that is none */
export function removePrefix(value: string, pattern: string, length: Length): string {
  const characters = [...value]
  const end = matchAt(characters, 0, { pattern: parsePattern(pattern, value), length })
  return end === undefined ? value : characters.slice(end).join('')
}

/** `${x%p}` and `${x%%p}`. @throws {DockerfileInvalid} */
export function removeSuffix(value: string, pattern: string, length: Length): string {
  const reversed = [...value].reverse()
  const backwards = parsePattern(pattern, value)
    .map((segment) => segment.toReversed())
    .reverse()
  const end = matchAt(reversed, 0, { pattern: backwards, length })
  return end === undefined ? value : reversed.slice(end).reverse().join('')
}

/** `${x/p/r}` (the first match, as long as can be) and `${x//p/r}` (all). @throws {DockerfileInvalid} */
export function replaceMatches(
  value: string,
  pattern: string,
  { by, all }: { readonly by: string; readonly all: boolean },
): string {
  const characters = [...value]
  const parsed = parsePattern(pattern, value)
  const result: string[] = []
  let copied = 0
  let previousEnd = -1
  for (let start = 0; start <= characters.length; ) {
    const end = matchAt(characters, start, { pattern: parsed, length: 'longest' })
    // Where the rest behind a star is not found now, it will not be found further on.
    if (end === undefined && parsed.length > 1 && segmentAt(characters, start, parsed[0])) break
    // Nothing is no match right behind one.
    const isMatch = end !== undefined && (end > start || start !== previousEnd)
    if (!isMatch || end === undefined) {
      start += 1
      continue
    }
    result.push(...characters.slice(copied, start), by)
    copied = end
    previousEnd = end
    start = Math.max(end, start + (end === start ? 1 : 0))
    if (!all) break
  }
  result.push(...characters.slice(copied))
  return result.join('')
}

function parsePattern(text: string, value: string): Pattern {
  const segments: Piece[][] = [[]]
  const characters = [...text]
  if (characters.length * value.length > MAX_COST)
    throw new DockerfileInvalid('a pattern is too long for its value', { near: text })
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] ?? ''
    if (character === '*') segments.push([])
    else if (character === '?') segments.at(-1)?.push(undefined)
    else if (character !== '\\') segments.at(-1)?.push(character)
    else segments.at(-1)?.push(escaped(characters[++index], text))
  }
  return segments
}

function escaped(character: string | undefined, pattern: string): string {
  if (character !== undefined && '*?\\}/'.includes(character)) return character
  throw new DockerfileInvalid(
    `invalid pattern (${pattern.slice(0, 80)}) in substitution: invalid escape '\\${character ?? ''}'`,
    { near: pattern },
  )
}

interface Wanted {
  readonly pattern: Pattern
  readonly length: Length
}

/** Where a match that begins at `start` ends. */
function matchAt(value: readonly string[], start: number, { pattern, length }: Wanted): number | undefined {
  const [first = [], ...rest] = pattern
  if (!segmentAt(value, start, first)) return undefined
  let position = start + first.length
  for (const [index, segment] of rest.entries()) {
    const isLast = index === rest.length - 1
    const found = isLast && length === 'longest' ? lastOf(value, position, segment) : firstOf(value, position, segment)
    if (found === undefined) return undefined
    position = found + segment.length
  }
  return position
}

function firstOf(value: readonly string[], from: number, segment: readonly Piece[]): number | undefined {
  for (let index = from; index + segment.length <= value.length; index += 1)
    if (segmentAt(value, index, segment)) return index
  return undefined
}

function lastOf(value: readonly string[], from: number, segment: readonly Piece[]): number | undefined {
  for (let index = value.length - segment.length; index >= from; index -= 1)
    if (segmentAt(value, index, segment)) return index
  return undefined
}

function segmentAt(value: readonly string[], at: number, segment: readonly Piece[] = []): boolean {
  return (
    at + segment.length <= value.length &&
    segment.every((piece, index) => piece === undefined || piece === value[at + index])
  )
}
