import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstat, symlink as makeLink, mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, it } from 'mocha'
import { DiffIDMismatch, LayerInvalid } from '../../../src/images/layers/errors.ts'
import { type UnpackOptions, unpackLayer } from '../../../src/images/layers/unpack.ts'
import { OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from '../../../src/oci/media-types.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import {
  device,
  directory,
  fifo,
  file,
  hardLink,
  layerOf,
  sha256,
  symlink,
  type TarEntry,
  tarOf,
} from '../../support/tar.ts'

/** Extended attributes but for those of the host's own policy, `name=value` a line. */
function attributesOf(path: string): string {
  const dump = execFileSync(
    'getfattr',
    ['-h', '-d', '-m', '^(user|trusted|security.capability)', '--absolute-names', path],
    {
      encoding: 'utf8',
    },
  )
  return dump
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replaceAll('"', ''))
    .join('\n')
}

describe('unpackLayer', () => {
  let root = ''
  let outside = ''

  beforeEach(async function () {
    if (process.geteuid?.() !== 0) {
      console.log('skipped: owners and devices need root')
      this.skip()
    }
    const scratch = await scratchDirectory()
    root = join(scratch, 'root')
    outside = join(scratch, 'outside')
    await mkdir(root)
    await mkdir(outside)
    await writeFile(join(outside, 'passwd'), 'the host')
  })

  const unpack = async (entries: readonly TarEntry[], options: Partial<UnpackOptions> = {}) => {
    const { blob, diffID } = layerOf(entries)
    return unpackLayer({ blob: Readable.from([blob]), mediaType: OCI_LAYER_GZIP, diffID, target: root, ...options })
  }
  const read = (path: string) => readFile(join(root, path), 'utf8')
  const hostIsUntouched = async () => {
    assert.equal(await readFile(join(outside, 'passwd'), 'utf8'), 'the host')
    assert.deepEqual(await readdir(outside), ['passwd'])
  }

  describe('of an honest layer', () => {
    it('keeps types, content, modes, owners and times', async () => {
      const answer = await unpack([
        directory('etc', { mode: 0o750, uid: 1, gid: 2, mtimeS: 1_000_000_000 }),
        file('etc/passwd', 'root', { mode: 0o4755, uid: 1000, gid: 1001, mtimeS: 1_234_567_890 }),
        symlink('etc/link', 'passwd', { mtimeS: 1_111_111_111 }),
        hardLink('etc/hard', 'etc/passwd'),
        device('null', 'c', [1, 3]),
        fifo('pipe'),
      ])

      assert.deepEqual([answer.fileCount, answer.sizeBytes], [6, 4])
      const status = await lstat(join(root, 'etc/passwd'))
      assert.deepEqual(
        [status.mode & 0o7777, status.uid, status.gid, status.mtimeMs],
        [0o4755, 1000, 1001, 1_234_567_890_000],
      )
      assert.equal(status.ino, (await lstat(join(root, 'etc/hard'))).ino)
      assert.equal(await readlink(join(root, 'etc/link')), 'passwd')
      assert.equal((await lstat(join(root, 'etc/link'))).mtimeMs, 1_111_111_111_000)
      const etc = await lstat(join(root, 'etc'))
      assert.deepEqual([etc.mode & 0o7777, etc.uid, etc.gid, etc.mtimeMs], [0o750, 1, 2, 1_000_000_000_000])
      const node = await lstat(join(root, 'null'))
      assert(node.isCharacterDevice() && node.rdev === 0x103)
      assert((await lstat(join(root, 'pipe'))).isFIFO())
    })

    it('takes names, owners, sizes and nanoseconds from PAX headers', async () => {
      const name = `deep/${'x'.repeat(200)}/ünïcode\nline`
      await unpack([
        file('short', 'content', {
          pax: { path: name, uid: '3000000', gid: '3000001', mtime: '1500000000.123456789' },
        }),
      ])

      const status = await lstat(join(root, name), { bigint: true })
      assert.deepEqual([status.uid, status.gid, status.mtimeNs], [3_000_000n, 3_000_001n, 1_500_000_000_123_456_789n])
    })

    it('takes long names from GNU headers', async () => {
      const name = `${'d'.repeat(120)}/${'f'.repeat(120)}`
      await unpack([file(name, 'long')])
      assert.equal(await read(name), 'long')
    })

    it('sets extended attributes after the content, which would take file capabilities away', async () => {
      const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex') // cap_net_bind_service=ep
      await unpack([
        file('server', 'program', {
          mode: 0o755,
          pax: { 'SCHILY.xattr.security.capability': capability, 'SCHILY.xattr.user.note': 'a\nb' },
        }),
      ])

      assert.match(
        execFileSync('/usr/sbin/getcap', [join(root, 'server')], { encoding: 'utf8' }),
        /cap_net_bind_service/,
      )
      const note = execFileSync('getfattr', ['--only-values', '-n', 'user.note', join(root, 'server')], {
        encoding: 'utf8',
      })
      assert.equal(note, 'a\nb')
    })

    it('writes whiteouts and opaque directories as overlayfs reads them', async () => {
      await unpack([
        directory('var'),
        file('var/.wh.gone'),
        directory('opt'),
        file('opt/.wh..wh..opq'),
        file('opt/new', 'n'),
      ])

      const whiteout = await lstat(join(root, 'var/gone'))
      assert(whiteout.isCharacterDevice() && whiteout.rdev === 0)
      assert.deepEqual(await readdir(join(root, 'opt')), ['new'])
      const opaque = execFileSync('getfattr', ['--only-values', '-n', 'trusted.overlay.opaque', join(root, 'opt')], {
        encoding: 'utf8',
      })
      assert.equal(opaque, 'y')
    })

    it('keeps sparse files sparse (PAX form 1.0)', async () => {
      const map = Buffer.from('2\n1048576\n4\n2097148\n4\n')
      const content = Buffer.concat([map, Buffer.alloc(512 - map.length), Buffer.from('headtail')])
      const pax = {
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.name': 'disk',
        'GNU.sparse.realsize': '2097152',
      }
      await unpack([file('GNUSparseFile.0/disk', content, { pax })])

      const bytes = await readFile(join(root, 'disk'))
      assert.equal(bytes.length, 2_097_152)
      assert.equal(bytes.toString('latin1', 1_048_576, 1_048_580), 'head')
      assert.equal(bytes.toString('latin1', 2_097_148), 'tail')
      assert((await stat(join(root, 'disk'))).blocks < 64)
    })

    it('reads plain and zstd layers, and believes the bytes when the media type is wrong', async () => {
      const tar = tarOf([file('a', 'content')])
      for (const [mediaType, blob] of [
        [OCI_LAYER, tar],
        [OCI_LAYER_ZSTD, zstdCompressSync(tar)],
        [OCI_LAYER_GZIP, tar],
      ] as const) {
        await unpackLayer({ blob: Readable.from([blob]), mediaType, diffID: sha256(tar), target: root })
        assert.equal(await read('a'), 'content')
      }
    })

    it('lets a later entry replace an earlier one, whatever it was', async () => {
      await unpack([
        directory('x'),
        file('x/below', 'old'),
        file('x', 'a file now'),
        symlink('y', 'x'),
        directory('y'),
        file('y/z', 'in a directory'),
      ])
      assert.equal(await read('x'), 'a file now')
      assert.equal(await read('y/z'), 'in a directory')
    })

    it('puts entries together however the bytes arrive', async () => {
      const { blob, diffID } = layerOf([
        directory('etc'),
        file('etc/a', 'x'.repeat(3000)),
        file('etc/b', 'y', { pax: { comment: 'c'.repeat(600) } }),
      ])
      await unpackLayer({
        blob: Readable.from([...blob].map((byte) => Buffer.from([byte]))),
        mediaType: OCI_LAYER_GZIP,
        diffID,
        target: root,
      })
      assert.equal((await read('etc/a')).length, 3000)
      assert.equal(await read('etc/b'), 'y')
    })
  })

  describe('of a hostile layer', () => {
    for (const name of ['../outside/passwd', 'a/../../outside/passwd', '/../outside/passwd', './../outside/passwd']) {
      it(`refuses the name ${name}`, async () => {
        await assert.rejects(unpack([file(name, 'evil')]), LayerInvalid)
        await hostIsUntouched()
      })
    }

    it('takes an absolute name for one below the root', async () => {
      await unpack([file(`${outside}/passwd`, 'the image')])
      assert.equal(await read(join(outside, 'passwd')), 'the image')
      await hostIsUntouched()
    })

    it('follows a symlink of an earlier entry inside the root, never out of it', async () => {
      await unpack([directory('outside'), symlink('etc', '../outside'), file('etc/passwd', 'the image')])
      assert.equal(await read('outside/passwd'), 'the image')
      await hostIsUntouched()
    })

    it('stays inside through an absolute symlink to the host', async () => {
      await unpack([directory(outside.slice(1)), symlink('escape', outside), file('escape/passwd', 'the image')])
      await hostIsUntouched()
    })

    it('does not write through a symlink that stands where a file is to be', async () => {
      await makeLink(join(outside, 'passwd'), join(root, 'target'))
      await unpack([file('target', 'the image')])
      assert.equal(await read('target'), 'the image')
      await hostIsUntouched()
    })

    it('does not change the mode or owner of what a symlink points to', async () => {
      const before = await stat(outside)
      await makeLink(outside, join(root, 'dir'))
      await unpack([directory('dir', { mode: 0o777, uid: 4711 })])
      const after = await stat(outside)
      assert.deepEqual([after.mode, after.uid], [before.mode, before.uid])
    })

    it('refuses a hard link to a name outside, and one through a symlink reaches nothing outside', async () => {
      await assert.rejects(unpack([hardLink('stolen', '../outside/passwd')]), LayerInvalid)
      await assert.rejects(unpack([symlink('way', outside), hardLink('stolen', 'way/passwd')]))
      await hostIsUntouched()
    })

    it('refuses a bomb of zeros beyond the limit', async () => {
      const { blob, diffID } = layerOf([file('zeros', Buffer.alloc(32 << 20))])
      const bomb = unpackLayer({
        blob: Readable.from([blob]),
        mediaType: OCI_LAYER_GZIP,
        diffID,
        target: root,
        limits: { maxBytes: 16 << 20 },
      })
      await assert.rejects(bomb, /inflates to more than/)
    })

    it('refuses a zstd bomb that inflates a thousandfold', async () => {
      const blob = zstdCompressSync(Buffer.alloc(200 << 20))
      const bomb = unpackLayer({
        blob: Readable.from([blob]),
        mediaType: OCI_LAYER_ZSTD,
        diffID: sha256(blob),
        target: root,
        limits: { ratioFromBytes: 64 << 20 },
      })
      await assert.rejects(bomb, /500 times/)
    })

    it('refuses a file that is shorter than its header says', async () => {
      const tar = Buffer.concat(
        tarOf([file('short', 'abc', { claimedSize: 1 << 20 })]).length > 0
          ? [tarOf([file('short', 'abc', { claimedSize: 1 << 20 })])]
          : [],
      )
      await assert.rejects(
        unpackLayer({ blob: Readable.from([tar]), mediaType: OCI_LAYER, diffID: sha256(tar), target: root }),
        /ends within a file/,
      )
    })

    it('refuses what inflates to something else than the image config promises', async () => {
      const { blob } = layerOf([file('a', 'content')])
      await assert.rejects(
        unpackLayer({
          blob: Readable.from([blob]),
          mediaType: OCI_LAYER_GZIP,
          diffID: sha256(Buffer.from('other')),
          target: root,
        }),
        DiffIDMismatch,
      )
    })

    it('refuses a whiteout of nothing, and ones that would hide the parent', async () => {
      for (const name of ['.wh.', 'etc/.wh..', 'etc/.wh...']) await assert.rejects(unpack([file(name)]), LayerInvalid)
    })

    it('leaves out attributes that forge the overlay itself', async () => {
      const pax = { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.trusted.other': 'kept' }
      await unpack([directory('d', { pax }), file('f', 'f', { pax })])
      for (const name of ['d', 'f']) assert.equal(attributesOf(join(root, name)), 'trusted.other=kept')
    })

    it('refuses headers with wrong checksums, owners and sizes', async () => {
      const tar = tarOf([file('a', 'content')])
      tar.write('X', 0)
      await assert.rejects(
        unpackLayer({ blob: Readable.from([tar]), mediaType: OCI_LAYER, diffID: sha256(tar), target: root }),
        /checksum/,
      )
      await assert.rejects(unpack([file('a', 'x', { pax: { uid: '4294967295' } })]), /owner/)
      await assert.rejects(unpack([file('a', 'x', { pax: { size: '-5' } })]), LayerInvalid)
    })

    it('refuses damaged compression with one line', async () => {
      const { blob, diffID } = layerOf([file('a', 'content'.repeat(1000))])
      blob.fill(0xff, 20, 40)
      await assert.rejects(
        unpackLayer({ blob: Readable.from([blob]), mediaType: OCI_LAYER_GZIP, diffID, target: root }),
        (error: Error) => error instanceof LayerInvalid && !error.message.includes('\n'),
      )
    })

    it('refuses a path that is deeper than the kernel takes, and leaves the host alone', async () => {
      await assert.rejects(unpack([file(`${'d/'.repeat(10_000)}f`, 'deep')]))
      await hostIsUntouched()
    })

    it('has no way out when a directory becomes a symlink under way', async () => {
      const swaps = Array.from({ length: 50 }, () => [
        directory('swap'),
        file('swap/f', 'in'),
        symlink('swap', '../outside'),
        file('swap/passwd', 'evil'),
      ]).flat()
      await unpack([directory('outside'), ...swaps]).catch((error: unknown) => assert(error instanceof Error))
      await hostIsUntouched()
    })
  })
})
