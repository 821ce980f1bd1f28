import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseEntry, parseNanoseconds } from '../../../src/containers/logs/entry.ts'
import { nanoTime } from '../../../src/ui/units.ts'

describe('an entry of a log', () => {
  it('is read as docker writes it', () => {
    const line = '{"log":"a\\u003cb\\n","stream":"stderr","time":"2024-05-06T07:08:09.1234Z"}'
    assert.deepEqual(parseEntry(line), {
      text: 'a<b\n',
      stream: 'stderr',
      timeNs: BigInt(Date.UTC(2024, 4, 6, 7, 8, 9)) * 1_000_000n + 123_400_000n,
    })
  })

  for (const line of [
    '',
    '{"log":"cut',
    '[]',
    'null',
    '{"log":1,"time":"2024-05-06T07:08:09Z"}',
    '{"log":"x","time":"now"}',
  ])
    it(`is none when damaged: ${line}`, () => {
      assert.equal(parseEntry(line), undefined)
    })

  it('is never made of arbitrary bytes by a crash', () => {
    fc.assert(fc.property(fc.string(), (line) => void parseEntry(line)))
  })

  it('keeps every nanosecond of its time', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }), (timeNs) => {
        assert.equal(parseNanoseconds(nanoTime(timeNs)), timeNs)
      }),
    )
  })
})
