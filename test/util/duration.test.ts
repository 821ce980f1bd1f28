import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseDuration } from '../../src/util/duration.ts'

describe('a duration of Go', () => {
  for (const [text, ns] of [
    ['0', 0],
    ['1ns', 1],
    ['1.5s', 1.5e9],
    ['1h2m3s', 3723e9],
    ['-300ms', -300e6],
    ['1.s', 1e9],
  ] as const)
    it(`is ${ns} ns for ${text}`, () => {
      assert.equal(parseDuration(text), ns)
    })

  for (const text of ['', '1', 's', '1d', '1 s', '--1s', '1s2', '.'])
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parseDuration(text), undefined)
    })

  it('never takes long to refuse', () => {
    fc.assert(fc.property(fc.string({ maxLength: 2000 }), (text) => void parseDuration(text)))
  })
})
