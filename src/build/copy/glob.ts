/** Sources of COPY and ADD: patterns of Go's `filepath.Match`, one component at a time. */
import { type ByteString, byteString } from '../../linux/apply.ts'
import { CopyFailed } from '../errors.ts'
import type { FileTree } from './tree.ts'

export const hasPattern = (path: string): boolean => /[*?[\\]/.test(path)

/** The pattern that this name alone matches; of one that is no UTF-8, and as text has a mark for what is not, others of that text too. */
export const patternOf = (name: string): string => name.replace(/[*?[\\\ufffd]/g, '\\$&')

/**
 * Paths in the tree that match, sorted; none is no error.
 *
 * @param pattern - relative, cleaned; `**` spans any depth where `deep`
 * @throws {CopyFailed} the pattern is malformed
 */
export function expandPattern(tree: FileTree, pattern: string, { deep }: { readonly deep: boolean }): ByteString[] {
  let found: ByteString[] = ['']
  for (const part of pattern.split('/')) {
    if (deep && part === '**') found = found.flatMap((directory) => withAllBelow(tree, directory))
    else if (hasPattern(part)) {
      const matches = partMatcher(part)
      found = found.flatMap((directory) =>
        namesIn(tree, directory)
          .filter(matches)
          .map((name) => join(directory, name)),
      )
    } else {
      const name = byteString(part)
      found = found.map((directory) => join(directory, name)).filter((path) => tree.resolve(path) !== undefined)
    }
  }
  return [...new Set(found)].filter((path) => path !== '').toSorted()
}

const join = (directory: ByteString, name: ByteString): ByteString => (directory === '' ? name : `${directory}/${name}`)

function namesIn(tree: FileTree, path: ByteString): readonly ByteString[] {
  const found = tree.resolve(path)
  return found?.isDirectory ? tree.names(found.path) : []
}

/** Links are not followed: they may lead round in a circle. */
function withAllBelow(tree: FileTree, directory: ByteString): ByteString[] {
  const found = tree.resolve(directory)
  if (!found?.isDirectory || found.path !== directory) return [directory]
  return [directory, ...tree.names(directory).flatMap((name) => withAllBelow(tree, join(directory, name)))]
}

/** Steps, not a regular expression: a hostile pattern must not take for ever. */
function partMatcher(pattern: string): (name: ByteString) => boolean {
  const tokens = tokensOf(pattern)
  return (name) => {
    const text = [...Buffer.from(name, 'latin1').toString()]
    let at = 0
    let token = 0
    let star = -1
    let mark = 0
    while (at < text.length) {
      const current = tokens[token]
      if (current === '*') {
        star = token
        mark = at
        token += 1
      } else if (current?.(text[at] ?? '')) {
        at += 1
        token += 1
      } else if (star !== -1) {
        mark += 1
        at = mark
        token = star + 1
      } else return false
    }
    while (tokens[token] === '*') token += 1
    return token === tokens.length
  }
}

type Token = '*' | ((character: string) => boolean)

function tokensOf(pattern: string): readonly Token[] {
  const tokens: Token[] = []
  const text = [...pattern]
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? ''
    if (character === '*') {
      if (tokens.at(-1) !== '*') tokens.push('*')
    } else if (character === '?') tokens.push(() => true)
    else if (character === '[') {
      const { test, end } = classOf(text, at)
      tokens.push(test)
      at = end
    } else if (character === '\\') {
      at += 1
      tokens.push(literal(text[at] ?? bad(pattern)))
    } else tokens.push(literal(character))
  }
  return tokens
}

const literal = (wanted: string) => (character: string) => character === wanted

function bad(pattern: string): never {
  throw new CopyFailed(`syntax error in pattern ${JSON.stringify(pattern)}`)
}

/** `[a-z]`, `[^a-z]`. */
function classOf(
  text: readonly string[],
  start: number,
): { readonly test: (character: string) => boolean; readonly end: number } {
  const whole = text.join('')
  const negated = text[start + 1] === '^'
  const ranges: (readonly [string, string])[] = []
  let at = start + (negated ? 2 : 1)
  const next = (): string => {
    if (text[at] === '\\') at += 1
    const character = text[at] ?? bad(whole)
    at += 1
    return character
  }
  while (text[at] !== ']' || ranges.length === 0) {
    const low = next()
    if (text[at] === '-') {
      at += 1
      ranges.push([low, next()])
    } else ranges.push([low, low])
  }
  const test = (character: string) => ranges.some(([low, high]) => character >= low && character <= high) !== negated
  return { test, end: at }
}
