import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { removePrefix, removeSuffix, replaceMatches } from '../../../src/build/dockerfile/pattern.ts'

/** The same, slowly: by trying every prefix against a regular expression. */
function matches(text: string, pattern: string): boolean {
  const source = pattern.replaceAll('*', '[^]*').replaceAll('?', '[^]').replaceAll('.', '\\.')
  return new RegExp(`^${source}$`).test(text)
}

const value = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 })
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 6 })

describe('patterns of substitutions', () => {
  it('remove the shortest and the longest prefix that matches', () => {
    fc.assert(
      fc.property(value, pattern, (text, wanted) => {
        const ends = Array.from({ length: text.length + 1 }, (_, end) => end).filter((end) =>
          matches(text.slice(0, end), wanted),
        )
        assert.equal(removePrefix(text, wanted, 'shortest'), text.slice(ends[0] ?? 0))
        assert.equal(removePrefix(text, wanted, 'longest'), text.slice(ends.at(-1) ?? 0))
      }),
      { numRuns: 3000 },
    )
  })

  it('remove the shortest and the longest suffix that matches', () => {
    fc.assert(
      fc.property(value, pattern, (text, wanted) => {
        const starts = Array.from({ length: text.length + 1 }, (_, start) => start).filter((start) =>
          matches(text.slice(start), wanted),
        )
        assert.equal(removeSuffix(text, wanted, 'shortest'), text.slice(0, starts.at(-1) ?? text.length))
        assert.equal(removeSuffix(text, wanted, 'longest'), text.slice(0, starts[0] ?? text.length))
      }),
      { numRuns: 3000 },
    )
  })

  it('replace as a regular expression does', () => {
    fc.assert(
      fc.property(value, pattern, fc.boolean(), (text, wanted, all) => {
        const source = wanted.replaceAll('.', '\\.').replaceAll('*', '[^]*').replaceAll('?', '[^]')
        const expected = text.replace(new RegExp(source, all ? 'g' : ''), '-')
        // Right behind a match JavaScript finds nothing as well, which Go and shells do not.
        if (!all || !matches('', wanted)) assert.equal(replaceMatches(text, wanted, { by: '-', all }), expected)
      }),
      { numRuns: 3000 },
    )
  })
})
