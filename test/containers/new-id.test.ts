import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { newContainerId } from '../../src/containers/new-id.ts'

describe('the id of a container', () => {
  it('is 64 hexadecimal digits, others each time', () => {
    const ids = Array.from({ length: 100 }, () => newContainerId())
    assert.ok(ids.every((id) => /^[0-9a-f]{64}$/.test(id)))
    assert.equal(new Set(ids).size, ids.length)
  })

  it('begins with no number, which as a host name would be taken for an address', () => {
    const drawn = ['528135807926', '000000000000', '528135e07926'].map((start) => start.padEnd(64, 'a'))
    assert.equal(
      newContainerId(() => drawn.shift() ?? ''),
      '528135e07926'.padEnd(64, 'a'),
    )
  })
})
