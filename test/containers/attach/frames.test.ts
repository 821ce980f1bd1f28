import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { demultiplexer } from '../../../src/containers/attach/frames.ts'

function frame(stream: number, payload: Buffer): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

/** Keeps what is written; with a small buffer and slow, so that back-pressure happens. */
function collector(): Writable & { readonly bytes: () => Buffer } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    highWaterMark: 4,
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk)
      setImmediate(done)
    },
  })
  return Object.assign(stream, { bytes: () => Buffer.concat(chunks) })
}

describe('demultiplexer', () => {
  it('gives each stream its bytes, however the frames are cut', async () => {
    const frames = fc.array(fc.record({ stream: fc.constantFrom(1, 2), payload: fc.uint8Array({ maxLength: 40 }) }))
    await fc.assert(
      fc.asyncProperty(frames, fc.integer({ min: 1, max: 30 }), async (list, cut) => {
        const wire = Buffer.concat(list.map(({ stream, payload }) => frame(stream, Buffer.from(payload))))
        const [stdout, stderr] = [collector(), collector()]
        const sink = demultiplexer({ 1: stdout, 2: stderr })
        for (let offset = 0; offset < wire.length; offset += cut) sink.write(wire.subarray(offset, offset + cut))
        sink.end()
        await finished(sink)
        await Promise.all([stdout, stderr].map((stream) => finished(stream.end())))
        const expected = (stream: number) =>
          Buffer.concat(list.filter((each) => each.stream === stream).map((each) => each.payload))
        assert.deepEqual(stdout.bytes(), expected(1))
        assert.deepEqual(stderr.bytes(), expected(2))
      }),
      { numRuns: 50 },
    )
  })

  it('waits for a slow target before it takes more', async () => {
    let release = () => {}
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        release = done
      },
    })
    const sink = demultiplexer({ 1: slow })
    let taken = false
    sink.write(frame(1, Buffer.from('more than one byte')), () => {
      taken = true
    })
    await new Promise(setImmediate)
    assert.equal(taken, false)
    release()
    await new Promise(setImmediate)
    assert.equal(taken, true)
  })

  it('drops streams that nobody attached', async () => {
    const stdout = collector()
    const sink = demultiplexer({ 1: stdout })
    sink.end(Buffer.concat([frame(2, Buffer.from('error')), frame(1, Buffer.from('output'))]))
    await finished(sink)
    await finished(stdout.end())
    assert.equal(stdout.bytes().toString(), 'output')
  })
})
