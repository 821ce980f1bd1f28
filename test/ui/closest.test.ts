import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { describe, it } from 'mocha'
import { closest } from '../../src/ui/closest.ts'

describe('closest', () => {
  it('finds a word with one letter more, less, changed or exchanged', () => {
    for (const typed of ['counts', 'cont', 'coant', 'cuont', 'ocunt', 'coutn'])
      assert.equal(closest(typed, ['count', 'ps']), 'count', typed)
  })

  it('finds none that is far', () => {
    assert.equal(closest('coutnn', ['ps']), undefined)
    assert.equal(closest('abc', ['cab']), undefined)
  })

  it('finds the word itself before all others', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 20 }),
        fc.array(fc.string({ maxLength: 20 })),
        (word, others) => {
          assert.equal(closest(word, [...others, word]), word)
        },
      ),
    )
  })
})
