/** `--name=value` right behind an instruction. */
import { closest } from '../../ui/closest.ts'
import { DockerfileInvalid } from './errors.ts'
import type { Escape } from './types.ts'
import { isQuote } from './words.ts'

/** How often a flag may stand and what it takes. */
export type FlagShape = Readonly<Record<string, 'truth' | 'text' | 'list'>>

/** What was given; a name that was not is missing. */
export type Flags<Shape extends FlagShape> = {
  readonly [Name in keyof Shape]?: Shape[Name] extends 'truth'
    ? boolean
    : Shape[Name] extends 'text'
      ? string
      : readonly string[]
}

/** Takes the words that begin with `--` off the front, without their quotes and escapes. `--` alone ends them. */
export function takeFlags(rest: string, token: Escape): { readonly words: readonly string[]; readonly rest: string } {
  const words: string[] = []
  let index = 0
  while (rest.startsWith('--', index)) {
    const { text, end } = readWord(rest, index, token)
    index = skipBlanks(rest, end)
    if (text === '--') break
    words.push(text)
  }
  return { words, rest: rest.slice(index) }
}

function skipBlanks(text: string, from: number): number {
  let index = from
  while (index < text.length && /\s/.test(text[index] ?? '')) index += 1
  return index
}

function readWord(rest: string, start: number, token: Escape): { readonly text: string; readonly end: number } {
  const parts: string[] = []
  let quote = ''
  let index = start
  for (; index < rest.length; index += 1) {
    const character = rest[index] ?? ''
    if (quote === '' && /\s/.test(character)) break
    if (character === token) parts.push(rest[++index] ?? '')
    else if (character === quote) quote = ''
    else if (quote === '' && isQuote(character)) quote = character
    else parts.push(character)
  }
  return { text: parts.join(''), end: Math.min(index, rest.length) }
}

/**
 * Reads flags by their shape.
 *
 * @throws {DockerfileInvalid} unknown (with the near one), twice, without a value, or with a wrong one
 */
export function parseFlags<Shape extends FlagShape>(words: readonly string[], shape: Shape): Flags<Shape> {
  const found = new Map<string, Value>()
  for (const word of words) {
    const equals = word.indexOf('=')
    const name = word.slice(2, equals === -1 ? undefined : equals)
    const kind = Object.hasOwn(shape, name) ? shape[name] : undefined
    if (kind === undefined) throw unknownFlag(name, Object.keys(shape))
    const before = found.get(name)
    if (before !== undefined && kind !== 'list')
      throw new DockerfileInvalid(`duplicate flag specified: --${name}`, { near: `--${name}` })
    const value = equals === -1 ? undefined : word.slice(equals + 1)
    if (Array.isArray(before)) before.push(required(name, value))
    else found.set(name, READERS[kind](name, value))
  }
  return Object.fromEntries(found) as Flags<Shape>
}

type Value = boolean | string | string[]

const READERS: Readonly<Record<FlagShape[string], (name: string, value: string | undefined) => Value>> = {
  truth: parseTruth,
  text: required,
  list: (name, value) => [required(name, value)],
}

function unknownFlag(name: string, known: readonly string[]): DockerfileInvalid {
  const near = closest(name.slice(0, 40), known)
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
  return new DockerfileInvalid(`unknown flag: --${name.slice(0, 80)}${suggestion}`, { near: `--${name}` })
}

function parseTruth(name: string, value: string | undefined): boolean {
  const text = value?.toLowerCase()
  if (text === '') throw missingValue(name)
  if (text === undefined || text === 'true') return true
  if (text === 'false') return false
  throw new DockerfileInvalid(`expecting boolean value for flag --${name}, not: ${text.slice(0, 80)}`, {
    near: `--${name}`,
  })
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined) return value
  throw missingValue(name)
}

function missingValue(name: string): DockerfileInvalid {
  return new DockerfileInvalid(`missing a value on flag: --${name}`, { near: `--${name}` })
}
