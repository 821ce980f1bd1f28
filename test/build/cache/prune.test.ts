import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { keptBytes } from '../../../src/build/cache/prune.ts'

describe('what a prune of the build cache keeps', () => {
  const NONE = { reserved: undefined, maxUsed: undefined, minFree: undefined, freeBytes: 50 }

  it('is nothing where nobody says otherwise', () => {
    assert.equal(keptBytes(100, NONE), undefined)
  })

  it('is what is reserved, or as much as is allowed', () => {
    assert.equal(keptBytes(100, { ...NONE, reserved: 20 }), 20)
    assert.equal(keptBytes(100, { ...NONE, maxUsed: 30 }), 30)
    assert.equal(keptBytes(100, { ...NONE, maxUsed: 30, reserved: 40 }), 40)
    assert.equal(keptBytes(100, { ...NONE, maxUsed: 0 }), 0)
  })

  it('is less by what the disk lacks, but never less than is reserved', () => {
    assert.equal(keptBytes(100, { ...NONE, minFree: 40 }), 100)
    assert.equal(keptBytes(100, { ...NONE, minFree: 70 }), 80)
    assert.equal(keptBytes(100, { ...NONE, minFree: 70, maxUsed: 60 }), 60)
    assert.equal(keptBytes(100, { ...NONE, minFree: 140, maxUsed: 60 }), 10)
    assert.equal(keptBytes(100, { ...NONE, minFree: 1000, reserved: 15 }), 15)
  })
})
