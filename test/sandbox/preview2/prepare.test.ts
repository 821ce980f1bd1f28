import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { describe, it } from 'mocha'
import { readPrepared } from '../../../src/sandbox/preview2/prepare.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('readPrepared', () => {
  it('gives what was made of these bytes, and nothing for others or when it is damaged', async () => {
    const path = join(await scratchDirectory(), 'made')
    const made = { code: 'x', modules: new Map([['a.wasm', new Uint8Array([1])]]), imports: ['wasi:io/error'] }
    writeFileSync(path, serialize(made))
    // sha256 of `abc`, FIPS 180-4
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    assert.deepEqual(readPrepared({ path, digest }, Buffer.from('abc')), made)
    assert.equal(readPrepared({ path, digest }, Buffer.from('abd')), undefined)
    for (const bytes of [Buffer.from('x'), serialize(made).subarray(0, 20), serialize(7), serialize({ code: 1 })]) {
      writeFileSync(path, bytes)
      assert.equal(readPrepared({ path, digest }, Buffer.from('abc')), undefined)
    }
    assert.equal(readPrepared({ path: `${path}-gone`, digest }, Buffer.from('abc')), undefined)
  })
})
