/** A pattern as steps over a path. */

export interface Step {
  /** One character that is accepted, any number of them, or directories: nothing, or anything that ends with a slash. */
  readonly kind: 'one' | 'many' | 'directories'
  readonly accepts: (character: string) => boolean
  /** The step as a regular expression. */
  readonly source: string
}

const DIRECTORIES: Step = { kind: 'directories', accepts: () => true, source: '(?:[^]*/)?' }
const ANYTHING: Step = { kind: 'many', accepts: () => true, source: '[^]*' }
const NO_SLASHES: Step = { kind: 'many', accepts: (character) => character !== '/', source: '[^/]*' }
const NO_SLASH: Step = { kind: 'one', accepts: (character) => character !== '/', source: '[^/]' }

/** undefined: the pattern is malformed. */
export function parseSteps(pattern: string): readonly Step[] | undefined {
  const characters = [...pattern]
  const steps: Step[] = []
  for (let index = 0; index < characters.length; ) {
    const read = readStep(characters, index)
    if (read === undefined) return undefined
    steps.push(read.step)
    index = read.end
  }
  return steps
}

interface Read {
  readonly step: Step
  /** Index behind it. */
  readonly end: number
}

function readStep(characters: readonly string[], start: number): Read | undefined {
  const character = characters[start] ?? ''
  if (character === '*') return readStars(characters, start)
  if (character === '?') return { step: NO_SLASH, end: start + 1 }
  if (character === '[') return readClass(characters, start)
  if (character !== '\\') return { step: literal(character), end: start + 1 }
  const escaped = characters[start + 1]
  return escaped === undefined ? undefined : { step: literal(escaped), end: start + 2 }
}

/** A slash behind `**` belongs to it. */
function readStars(characters: readonly string[], start: number): Read {
  if (characters[start + 1] !== '*') return { step: NO_SLASHES, end: start + 1 }
  const end = start + (characters[start + 2] === '/' ? 3 : 2)
  return { step: end === characters.length ? ANYTHING : DIRECTORIES, end }
}

function literal(character: string): Step {
  return { kind: 'one', accepts: (one) => one === character, source: escapeForClass(character) }
}

function escapeForClass(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}

/** `[a-z]` and `[^a-z]`; neither `-` nor `]` stand in one without a backslash. */
function readClass(characters: readonly string[], start: number): Read | undefined {
  const isNegated = characters[start + 1] === '^'
  const ranges: Range[] = []
  let index = start + (isNegated ? 2 : 1)
  while (characters[index] !== ']' || ranges.length === 0) {
    const range = readRange(characters, index)
    if (range === undefined) return undefined
    ranges.push(range)
    index = range.end
  }
  const isIn = (character: string) => {
    const code = character.codePointAt(0) ?? 0
    return ranges.some(({ from, to }) => code >= codeOf(from) && code <= codeOf(to))
  }
  const source = ranges.map(({ from, to }) => `${escapeForClass(from)}-${escapeForClass(to)}`).join('')
  const accepts = isNegated ? (character: string) => !isIn(character) : isIn
  return { step: { kind: 'one', accepts, source: `[${isNegated ? '^' : ''}${source}]` }, end: index + 1 }
}

interface Range {
  readonly from: string
  readonly to: string
  readonly end: number
}

function readRange(characters: readonly string[], start: number): Range | undefined {
  const first = readMember(characters, start)
  if (first === undefined) return undefined
  if (characters[first.end] !== '-') return { from: first.character, to: first.character, end: first.end }
  const last = readMember(characters, first.end + 1)
  if (last === undefined || codeOf(last.character) < codeOf(first.character)) return undefined
  return { from: first.character, to: last.character, end: last.end }
}

function readMember(
  characters: readonly string[],
  start: number,
): { readonly character: string; readonly end: number } | undefined {
  const isEscaped = characters[start] === '\\'
  const character = characters[isEscaped ? start + 1 : start]
  if (character === undefined || (!isEscaped && (character === '-' || character === ']'))) return undefined
  return { character, end: start + (isEscaped ? 2 : 1) }
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0
}
