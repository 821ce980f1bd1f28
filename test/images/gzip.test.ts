import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { gzip } from '../../src/images/gzip.ts'

async function* pieces(bytes: Buffer, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += sizeBytes) yield bytes.subarray(from, from + sizeBytes)
}

const compressed = async (bytes: Buffer, sizeBytes: number, level = 6): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(gzip(pieces(bytes, sizeBytes), level)))

/** Somewhat compressible. */
function textOf(sizeBytes: number): Buffer {
  const word = randomBytes(997)
  return Buffer.concat(
    Array.from({ length: Math.ceil(sizeBytes / 1000) }, (_, n) => [word, Buffer.from(`${n}`)]).flat(),
  )
}

describe('gzip', () => {
  it('gives what gunzip takes back, however the bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 << 20 }),
        fc.integer({ min: 1 << 14, max: 2 << 20 }),
        fc.integer({ min: 0, max: 9 }),
        async (sizeBytes, pieceBytes, level) => {
          const bytes = textOf(sizeBytes).subarray(0, sizeBytes)
          assert(gunzipSync(await compressed(bytes, pieceBytes, level)).equals(bytes))
        },
      ),
      { numRuns: 12 },
    )
  })

  it('gives the same file whatever pieces the bytes come in', async () => {
    const bytes = textOf(5 << 20)
    const whole = await compressed(bytes, bytes.length)
    assert((await compressed(bytes, 70_001)).equals(whole))
    const { status, stdout } = spawnSync('gzip', ['-dc'], { input: whole, maxBuffer: 64 << 20 })
    assert.equal(status, 0)
    assert(stdout.equals(bytes))
    assert(whole.length < bytes.length / 20, 'a block knows what came before it')
  })

  it('ends with the failure of its source', async () => {
    async function* broken() {
      yield textOf(3 << 20)
      throw new Error('the disk is gone')
    }
    await assert.rejects(Array.fromAsync(gzip(broken(), 1)), /the disk is gone/)
  })
})
