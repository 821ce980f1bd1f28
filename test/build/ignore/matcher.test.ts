import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { IgnorePatternInvalid } from '../../../src/build/ignore/errors.ts'
import { cleanPath, parseIgnoreFile } from '../../../src/build/ignore/ignore-file.ts'
import { matchSteps } from '../../../src/build/ignore/match-steps.ts'
import { type DirectoryState, IgnoreMatcher } from '../../../src/build/ignore/matcher.ts'
import { parseSteps } from '../../../src/build/ignore/steps.ts'

const ignores = (patterns: string, path: string) => new IgnoreMatcher(patterns.split('\n')).ignores(path)

describe('an ignore file', () => {
  for (const [text, patterns] of [
    ['# c\n\n  a  \n #b\n', ['a', '#b']],
    ['\ufeffa\r\nb\r\n', ['a', 'b']],
    ['/a\n./b\nc/\nd//e\nf/../g\n/', ['a', 'b', 'c', 'd/e', 'g', '/']],
    ['!a\n! /b/\n!./c', ['!a', '!b', '!c']],
    ['../a\n.', ['../a', '.']],
  ] as const)
    it(`is read from ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseIgnoreFile(new TextEncoder().encode(text)), patterns)
    })
})

describe('patterns of an ignore file', () => {
  for (const [patterns, yes, no] of [
    ['a', ['a', 'a/b', 'a/b/c'], ['b/a', 'ab', 'aa']],
    ['a/b', ['a/b', 'a/b/c'], ['a', 'a/bc', 'x/a/b']],
    ['*.log', ['x.log', '.log'], ['a/x.log', 'x.log2']],
    ['*', ['a', 'a/b'], []],
    ['*/*', ['a/b', 'a/b/c'], ['a']],
    ['a?c', ['abc', 'aéc', 'a😀c'], ['ac', 'a/c']],
    ['**', ['a', 'a/b'], []],
    ['**/a', ['a', 'x/a', 'x/y/a', 'x/a/b'], ['ba', 'x/ba']],
    ['**a', ['a', 'ba', 'x/ba', 'x/a'], ['ab']],
    ['**/*.c', ['a.c', 'x/y/a.c'], ['a.cc']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'ab']],
    ['a**', ['a', 'ab', 'a/b'], ['b']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb']],
    ['a**b', ['ab', 'ax/b'], ['axb']],
    ['**/**/a', ['a', 'x/y/a'], ['xa']],
    ['[a-c]x', ['ax', 'cx'], ['dx', '-x']],
    ['[^a]x', ['bx'], ['ax']],
    ['[\\]a]x', [']x', 'ax'], ['\\x']],
    ['a\\*', ['a*'], ['ab', 'a\\*']],
    ['a.b(c)+$|{}', ['a.b(c)+$|{}'], ['axb(c)+$|{}']],
    ['a\n!a/b', ['a', 'a/c'], ['a/b', 'a/b/c']],
    ['*\n!*.md\nREADME.md', ['a', 'README.md'], ['b.md']],
    ['!a\na', ['a'], []],
    ['**/node_modules\n!keep/node_modules', ['node_modules', 'x/node_modules/y'], ['keep/node_modules/y']],
    ['a/*\n!a/b', ['a/c'], ['a', 'a/b']],
  ] as const)
    it(`decide ${JSON.stringify(patterns)}`, () => {
      assert.deepEqual(
        [yes.filter((path) => !ignores(patterns, path)), no.filter((path) => ignores(patterns, path))],
        [[], []],
      )
    })

  for (const pattern of ['!', '[', '[a', '[]', '[]a]', '[b-a]', '[-a]', 'a\\', '![', '**/['])
    it(`are refused: ${pattern}`, () => {
      assert.throws(() => new IgnoreMatcher([pattern]), IgnorePatternInvalid)
    })

  it('say in which ignored directories a walk has to look', () => {
    const matcher = new IgnoreMatcher(['*', '!a/b', '!docs/**/*.md'])
    const walked = ['a', 'a/b', 'a/b/c', 'docs', 'docs/q', 'b', 'a/c', 'doc'].filter((directory) =>
      matcher.mayHoldExceptions(directory),
    )
    assert.deepEqual(walked, ['a', 'a/b', 'a/b/c', 'docs', 'docs/q'])
    assert(new IgnoreMatcher(['!x*/y']).mayHoldExceptions('xy'))
  })
})

const component = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 3 })
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const pattern = fc
  .array(fc.constantFrom('a', 'b', '.', '/', '*', '**', '?', '[ab]', '[^a]', '\\*'), { minLength: 1, maxLength: 7 })
  .map((parts) => parts.join(''))

describe('any pattern', () => {
  it('gives the same answer in one step after the other as in a regular expression', () => {
    fc.assert(
      fc.property(pattern, path, (text, name) => {
        const steps = parseSteps(text) ?? []
        const expression = new RegExp(`^${steps.map(({ source }) => source).join('')}$`, 'u')
        assert.equal(matchSteps(steps, name), expression.test(name))
      }),
      { numRuns: 5000 },
    )
  })

  it('gives the same answer for a path as for a walk to it, which skips directories', () => {
    const patterns = fc.array(
      fc.tuple(fc.constantFrom('', '!'), pattern).map((parts) => parts.join('')),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(patterns, path, (texts, name) => {
        const matcher = new IgnoreMatcher(texts.filter((text) => cleanPath(text) !== '!'))
        assert.equal(walk(matcher, name), matcher.ignores(name))
      }),
      { numRuns: 3000 },
    )
  })

  it('answers soon, however many ways there are', () => {
    const long = 'a'.repeat(2000)
    assert.equal(ignores(`${'*a'.repeat(100)}b`, long), false)
    assert.equal(ignores(`${'**/'.repeat(100)}b`, `${'a/'.repeat(100)}a`), false)
  })
})

/** Goes down component by component, and does not go into what is ignored for good. */
function walk(matcher: IgnoreMatcher, name: string): boolean {
  const parts = name.split('/')
  let state: DirectoryState | undefined
  let isIgnored = false
  for (const index of parts.keys()) {
    const directory = parts.slice(0, index + 1).join('/')
    const result = matcher.match(directory, state)
    state = result.state
    isIgnored = result.isIgnored
    if (isIgnored && !matcher.mayHoldExceptions(directory)) return true
  }
  return isIgnored
}
