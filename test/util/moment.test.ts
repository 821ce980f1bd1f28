import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseMoment } from '../../src/util/moment.ts'

describe('parseMoment', () => {
  it('reads durations back from now, dates and seconds', () => {
    assert.equal(parseMoment('1h30m', 'since', 10_000_000), 10_000_000 - 5_400_000)
    assert.equal(parseMoment('2024-01-02T03:04:05Z', 'since'), Date.UTC(2024, 0, 2, 3, 4, 5))
    assert.equal(parseMoment('1700000000', 'since'), 1_700_000_000_000)
  })

  it('says which value it does not understand', () => {
    assert.throws(() => parseMoment('yesterday', 'since'), /invalid value for "since": "yesterday"/)
  })
})
