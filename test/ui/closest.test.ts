import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { closest } from '../../src/ui/closest.ts'

describe('the near word', () => {
  for (const [typed, known, expected] of [
    ['rnu', ['run', 'rm'], 'run'],
    ['chwon', ['chmod', 'chown'], 'chown'],
    ['imagess', ['image', 'images'], 'images'],
    ['COPPY', ['COPY', 'CMD'], 'COPY'],
    ['xyz', ['run', 'rm'], undefined],
    ['', ['run'], undefined],
  ] as const)
    it(`of ${JSON.stringify(typed)} is ${expected}`, () => {
      assert.equal(closest(typed, known), expected)
    })

  it('is the word itself when it is known', () => {
    const word = fc.string({ minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(word, fc.array(word), (typed, others) => assert.equal(closest(typed, [...others, typed]), typed)),
    )
  })
})
