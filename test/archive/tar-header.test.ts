import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { tarSink } from '../../src/archive/tar-sink.ts'
import type { LayerEntry } from '../../src/images/layers/entry.ts'
import { openTarReader } from '../../src/images/layers/tar-reader.ts'
import type { TreeEntry } from '../../src/linux/archive.ts'

const FILE: TreeEntry = {
  path: 'f',
  change: 'same',
  mode: 0o100644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  sizeBytes: 0,
  major: 0,
  minor: 0,
  ctimeSeconds: 0,
  ctimeNanoseconds: 0,
  target: '',
  hardLink: '',
  xattrs: new Map(),
  extents: undefined,
}

/** Written by one, read by the other. */
async function throughTar(entry: TreeEntry, data: Buffer = Buffer.alloc(0)) {
  const stream = new PassThrough({ highWaterMark: 1 << 24 })
  const sink = tarSink(stream, { place: (path) => path })
  sink.entry(entry)
  if (data.length > 0) sink.data(data)
  sink.end()
  await sink.finish()
  const found: LayerEntry[] = []
  const chunks: Buffer[] = []
  const reader = openTarReader({
    entry: (read) => void found.push(read),
    data: (chunk) => void chunks.push(Buffer.from(chunk)),
    end: () => {},
  })
  stream.end()
  for await (const chunk of stream as AsyncIterable<Buffer>) reader.write(chunk)
  reader.close()
  const [first] = found
  assert(first !== undefined && found.length === 1)
  return { found: first, data: Buffer.concat(chunks) }
}

const name = fc
  .uint8Array({ minLength: 1, maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll(/[\0/]/g, '_'))

describe('tarSink', () => {
  it('says everything of a file, whatever its name, owner, time, attributes and size are', async () => {
    const entries = fc.record({
      path: name,
      mode: fc.integer({ min: 0, max: 0o7777 }).map((bits) => 0o100000 | bits),
      uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
      gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
      mtimeSeconds: fc.integer({ min: -(2 ** 33), max: 2 ** 35 }),
      mtimeNanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
      xattrs: fc.uint8Array({ minLength: 1 }).map((value) => new Map([['user.x', Buffer.from(value)]])),
    })
    await fc.assert(
      fc.asyncProperty(entries, fc.uint8Array({ maxLength: 2000 }), async (fields, bytes) => {
        const entry = { ...FILE, ...fields, sizeBytes: bytes.length }
        const { found, data } = await throughTar(entry, Buffer.from(bytes))
        assert.deepEqual(
          { ...found, type: '' },
          {
            path: entry.path,
            type: '',
            mode: entry.mode & 0o7777,
            uid: entry.uid,
            gid: entry.gid,
            size: entry.sizeBytes,
            mtimeSeconds: entry.mtimeSeconds,
            mtimeNanoseconds: entry.mtimeNanoseconds,
            linkPath: '',
            major: 0,
            minor: 0,
            xattrs: entry.xattrs,
            extents: undefined,
          },
        )
        assert(data.equals(Buffer.from(bytes)))
      }),
      { numRuns: 200 },
    )
  })

  it('keeps where the links of any length lead', async () => {
    await fc.assert(
      fc.asyncProperty(name, async (target) => {
        const { found } = await throughTar({ ...FILE, mode: 0o120777, target })
        assert.deepEqual([found.type, found.linkPath], ['symlink', target])
        const hard = await throughTar({ ...FILE, hardLink: target })
        assert.deepEqual([hard.found.type, hard.found.linkPath], ['hardlink', target])
      }),
    )
  })

  it('keeps holes as holes', async () => {
    const extents = [
      { offset: 4096, size: 3 },
      { offset: 2 ** 40, size: 2 },
    ]
    const entry = { ...FILE, sizeBytes: 2 ** 41, extents }
    const { found, data } = await throughTar(entry, Buffer.from('abcde'))
    assert.equal(found.size, 2 ** 41)
    assert.deepEqual(
      found.extents?.filter(({ size }) => size > 0),
      extents,
    )
    assert.equal(data.subarray(0, 5).toString(), 'abcde')
    const empty = await throughTar({ ...FILE, sizeBytes: 2 ** 41, extents: [] })
    assert.equal(empty.found.size, 2 ** 41)
  })

  it('says what devices, pipes and directories are', async () => {
    const kinds = [
      [0o020600, 'character'],
      [0o060600, 'block'],
      [0o010600, 'fifo'],
      [0o040700, 'directory'],
    ] as const
    for (const [mode, type] of kinds) {
      const { found } = await throughTar({ ...FILE, mode, major: 8, minor: 1 })
      assert.equal(found.type, type)
      const isDevice = type === 'character' || type === 'block'
      assert.deepEqual([found.major, found.minor], isDevice ? [8, 1] : [0, 0])
    }
  })
})
