import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { LayerEntry } from '../../../src/images/layers/entry.ts'
import { LayerInvalid } from '../../../src/images/layers/errors.ts'
import { type ListedEntry, readLayerEntries } from '../../../src/images/layers/read-entries.ts'
import { openTarReader } from '../../../src/images/layers/tar-reader.ts'
import { OCI_LAYER_GZIP } from '../../../src/oci/media-types.ts'
import { device, directory, file, hardLink, paxRecord, symlink, type TarEntry, tarOf } from '../../support/tar.ts'

interface Seen {
  readonly entry: LayerEntry
  readonly data: Buffer
}

/** Reads an archive in pieces of these sizes, the last of them repeated. */
function read(tar: Buffer, sizes: readonly number[] = [tar.length]): Seen[] {
  const seen: { entry: LayerEntry; pieces: Buffer[] }[] = []
  const reader = openTarReader({
    entry: (entry) => void seen.push({ entry, pieces: [] }),
    data: (chunk) => void seen.at(-1)?.pieces.push(Buffer.from(chunk)),
    end: () => {},
  })
  for (let at = 0, index = 0; at < tar.length; index++) {
    const size = Math.max(1, sizes[Math.min(index, sizes.length - 1)] ?? 1)
    reader.write(tar.subarray(at, at + size))
    at += size
  }
  reader.close()
  return seen.map(({ entry, pieces }) => ({ entry, data: Buffer.concat(pieces) }))
}

const first = (entries: readonly TarEntry[]): LayerEntry => {
  const [seen] = read(tarOf(entries))
  assert(seen !== undefined)
  return seen.entry
}
/** GNU's form of numbers that octal digits cannot hold. */
const base256 = (value: bigint, length: number): Buffer => {
  const bytes = Buffer.alloc(length)
  for (let index = length - 1, rest = value; index >= 0; index--, rest >>= 8n) bytes[index] = Number(rest & 0xffn)
  bytes[0] = (bytes[0] ?? 0) | 0x80
  return bytes
}

describe('openTarReader', () => {
  it('gives the same entries however the bytes are cut', () => {
    const name = fc.stringMatching(/^[a-z]{1,120}$/)
    const content = fc.uint8Array({ maxLength: 2000 })
    const entry = fc
      .tuple(name, content, fc.boolean())
      .map(([path, bytes, pax]) =>
        file(path, Buffer.from(bytes), pax ? { pax: { path: `pax/${path}`, mtime: '1.5' } } : {}),
      )
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1 }),
        (entries, sizes) => {
          const tar = tarOf(entries)
          assert.deepEqual(read(tar, sizes), read(tar))
          assert.deepEqual(
            read(tar).map(({ data }) => data),
            entries.map((one) => one.content),
          )
        },
      ),
    )
  })

  it('never fails but with LayerInvalid, whatever it reads', () => {
    const valid = tarOf([
      file('a', 'content', { pax: { 'GNU.sparse.map': '0,3,5,2', 'GNU.sparse.size': '20', path: 'b' } }),
      file('n'.repeat(150), 'x'.repeat(700)),
      device('d', 'c', [1, 3]),
      hardLink('h', 'a'),
      file('s', '', {
        type: 'S',
        raw: [
          [386, '00000000001\0'],
          [398, '00000000002\0'],
          [483, '00000000010\0'],
        ],
      } as Partial<TarEntry>),
    ])
    const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const tar = Buffer.from(valid)
        for (const [at, byte] of changes) tar[at] = byte
        mendChecksums(tar)
        try {
          read(tar)
        } catch (error) {
          assert(error instanceof LayerInvalid, String(error))
        }
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
        assert.throws(() => read(Buffer.concat([Buffer.from('x'), Buffer.from(bytes)])), LayerInvalid)
      }),
    )
  })

  it('reads numbers that octal digits cannot hold', () => {
    const big = first([
      file('big', '', {
        raw: [
          [108, base256(3_000_000_000n, 8)],
          [116, base256(3_000_000_001n, 8)],
          [136, base256(20_000_000_000n, 12)],
        ],
      }),
    ])
    assert.deepEqual([big.uid, big.gid, big.mtimeSeconds], [3_000_000_000, 3_000_000_001, 20_000_000_000])
  })

  it('refuses negative and impossible numbers', () => {
    const negative = Buffer.alloc(12, 0xff)
    for (const raw of [
      [[124, negative]],
      [[124, '-0000000001\0']],
      [[124, base256(2n ** 60n, 12)]],
      [[108, negative.subarray(0, 8)]],
      [[108, base256(0xffff_ffffn, 8)]],
      [[124, 'not a number']],
    ] as const)
      assert.throws(() => first([file('a', '', { raw })]), LayerInvalid)
    for (const pax of [{ size: '-5' }, { uid: '4294967295' }, { gid: '1e3' }, { mtime: 'now' }, { size: '0x10' }])
      assert.throws(() => first([file('a', '', { pax })]), LayerInvalid)
  })

  it('has device numbers of GNU archives too: a device without them would pass for a whiteout', () => {
    const gnu = device('null', 'c', [1, 3, { raw: [[257, 'ustar  \0']] }])
    assert.deepEqual([first([gnu]).major, first([gnu]).minor], [1, 3])
  })

  it('lets a PAX name win over a GNU one, and both over the header', () => {
    assert.equal(first([file('n'.repeat(150), '', { pax: { path: 'pax' } })]).path, 'pax')
    assert.equal(first([symlink('l', 'short', { pax: { linkpath: 'x'.repeat(300) } })]).linkPath, 'x'.repeat(300))
  })

  it('takes times and owners from global headers, names and sizes never', () => {
    const global = (records: Record<string, string>): TarEntry => ({
      name: 'pax_global_header',
      type: 'g',
      content: Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value))),
    })
    const seen = read(
      tarOf([
        global({
          mtime: '5',
          uid: '7',
          path: 'evil',
          linkpath: 'evil',
          size: '1',
          comment: 'x',
          'SCHILY.xattr.user.a': 'b',
        }),
        file('one', '12'),
        file('two', '', { pax: { mtime: '' } }),
      ]),
    ).map(({ entry }) => entry)
    assert.deepEqual(
      seen.map(({ path, uid, mtimeSeconds, size, xattrs }) => [path, uid, mtimeSeconds, size, xattrs.size]),
      [
        ['one', 7, 5, 2, 0],
        ['two', 7, 1_600_000_000, 0, 0],
      ],
    )
  })

  it('reads nothing behind the end, and refuses an empty block among headers', () => {
    const tar = tarOf([file('a', 'a')])
    assert.equal(read(Buffer.concat([tar, tarOf([file('smuggled', 'b')])])).length, 1)
    const header = tar.subarray(0, -1024)
    assert.throws(() => read(Buffer.concat([header, Buffer.alloc(512), header])), /empty block/)
    assert.equal(read(header).length, 1)
  })

  it('bounds what one header may bring', () => {
    assert.throws(() => read(tarOf([file('a', '', { pax: { comment: 'x'.repeat(2 << 20) } })])), /too long/)
    assert.throws(() => read(tarOf([{ name: 'x', type: 'x', claimedSize: 8 * 2 ** 30 - 1 }])), /too long/)
  })

  it('refuses PAX records whose length lies', () => {
    for (const content of [
      '5 a=b\n',
      '7 a=b\n',
      '0 a=b\n',
      '99999999999 a=b\n',
      '6 a=bc',
      '6 abcd',
      ' a=b\n',
      '-6 a=b\n',
    ])
      assert.throws(() => read(tarOf([{ name: 'x', type: 'x', content: Buffer.from(content) }, file('a')])), /PAX/)
  })

  it('refuses sparse maps that lie', () => {
    const sparse = (map: string, size = '100') =>
      file('a', 'x'.repeat(20), { pax: { 'GNU.sparse.map': map, 'GNU.sparse.size': size } })
    for (const map of ['0,5,3,5', '10,5,0,5', '90,20', '0,-1', '5', '0,1e3', '9007199254740991,9007199254740991'])
      assert.throws(() => read(tarOf([sparse(map)])), LayerInvalid)
    const form1 = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '100' }
    for (const map of ['1\n0\n', '999999999\n', 'x\n0\n', '0'.repeat(600), `2\n${'0\n'.repeat(3)}`])
      assert.throws(() => read(tarOf([file('a', map.padEnd(1024, '\0'), { pax: form1 })])), LayerInvalid)
  })

  it('reads a large sparse map in time that grows with its size only', () => {
    const count = 200_000
    const lines = [`${count}`, ...Array.from({ length: count * 2 }, (_, index) => (index % 2 === 0 ? `${index}` : '1'))]
    const map = Buffer.from(`${lines.join('\n')}\n`)
    const content = Buffer.concat([map, Buffer.alloc(-map.length & 511), Buffer.alloc(count, 'x')])
    const pax = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': String(count * 2) }
    const [seen] = read(tarOf([file('a', content, { pax })]))
    assert.deepEqual([seen?.entry.extents?.length, seen?.data.length], [count, count])
  })

  it('skips kinds of entries that are no files', () => {
    const label: TarEntry = { name: 'volume', type: 'V', content: Buffer.from('x'.repeat(600)) }
    assert.deepEqual(
      read(tarOf([label, file('a', 'a')])).map(({ entry }) => entry.path),
      ['a'],
    )
  })

  it('takes an old file whose name ends with a slash for a directory, and no size of what is no file', () => {
    assert.equal(first([file('old/')]).type, 'directory')
    const sizes = read(
      tarOf([{ ...directory('d'), claimedSize: 5 }, { ...hardLink('h', 'd'), claimedSize: 5 }, file('f', 'f')]),
    )
    assert.deepEqual(
      sizes.map(({ entry }) => [entry.type, entry.size]),
      [
        ['directory', 0],
        ['hardlink', 0],
        ['file', 1],
      ],
    )
  })
})

/** What a fuzzer changes shall be read, not refused for its checksum. */
function mendChecksums(tar: Buffer): void {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    const block = tar.subarray(at, at + 512)
    if (block.toString('latin1', 257, 262) !== 'ustar') continue
    block.write('        ', 148, 'latin1')
    const sum = block.reduce((total, byte) => total + byte, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  }
}

describe('readLayerEntries', () => {
  const list = async (tar: Buffer, withContent = false): Promise<ListedEntry[]> => {
    const options = { mediaType: OCI_LAYER_GZIP, withContent }
    return await Array.fromAsync(readLayerEntries(Readable.from([gzipSync(tar)]), options))
  }

  it('lists what is in a layer without unpacking it', async () => {
    const entries = await list(
      tarOf([
        directory('./etc'),
        file('./etc/ü', 'abc', { mode: 0o600 }),
        symlink('l', '../x'),
        hardLink('h', './etc/ü'),
      ]),
    )
    assert.deepEqual(
      entries.map(({ path, type, sizeBytes, mode, linkPath }) => [path, type, sizeBytes, mode, linkPath]),
      [
        ['etc', 'directory', 0, 0o755, ''],
        ['etc/ü', 'file', 3, 0o600, ''],
        ['l', 'symlink', 0, 0o644, '../x'],
        ['h', 'hardlink', 0, 0o644, 'etc/ü'],
      ],
    )
  })

  it('hashes contents where asked to', async () => {
    const [entry] = await list(tarOf([file('a', 'abc')]), true)
    assert.equal(entry?.content, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    assert.equal((await list(tarOf([file('a', 'abc')])))[0]?.content, undefined)
  })

  it('refuses names that lead out', async () => {
    await assert.rejects(list(tarOf([file('../a')])), LayerInvalid)
  })
})
