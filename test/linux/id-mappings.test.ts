import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseSubordinateRanges } from '../../src/linux/id-mappings.ts'

describe('parseSubordinateRanges', () => {
  const names = new Set(['1000', 'ann'])

  it('lays the ranges of a user out one after the other, by name and by number', () => {
    assert.deepEqual(parseSubordinateRanges('bob:100000:65536\nann:165536:65536\n1000:300000:10\n', names), [
      { inside: 1, outside: 165_536, size: 65_536 },
      { inside: 65_537, outside: 300_000, size: 10 },
    ])
  })

  it('gives nothing to who is not named', () => {
    assert.deepEqual(parseSubordinateRanges('anna:100000:65536\n10000:1:1\n', names), [])
  })

  it('never hands out root, an empty range or what is no number', () => {
    const lines = ['ann:0:5', 'ann:5:0', 'ann:-5:5', 'ann:1e5:5', 'ann:0x10:5', 'ann:5', 'ann::', '# ann:5:5', '']
    assert.deepEqual(parseSubordinateRanges(lines.join('\n'), names), [])
  })
})
