import assert from 'node:assert/strict'
import { symlink as makeLink, mkdir, readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, it } from 'mocha'
import { DiffIDMismatch, LayerInvalid } from '../../../src/images/layers/errors.ts'
import { removeTree } from '../../../src/linux/remove-tree.ts'
import { OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from '../../../src/oci/media-types.ts'
import { describeNative, type Native } from '../../support/native.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { device, directory, file, hardLink, sha256, symlink, type TarEntry, tarOf } from '../../support/tar.ts'
import { attributesOf, makeUnpackScratch, type UnpackScratch } from '../../support/unpack.ts'

describeNative('a hostile layer', (native: () => Native) => {
  let scratch: UnpackScratch
  beforeEach(async () => {
    scratch = await makeUnpackScratch(native())
  })
  const refuses = async (layer: readonly TarEntry[] | Buffer, reason: RegExp = /./) => {
    await assert.rejects(scratch.unpack(layer), (error: Error) => {
      assert(error instanceof LayerInvalid, String(error))
      assert.match(error.message, reason)
      assert(!error.message.includes('\n'))
      return true
    })
    await scratch.assertHostUntouched()
  }

  for (const name of [
    '../outside/passwd',
    'a/../../outside/passwd',
    '/../outside/passwd',
    './../outside/passwd',
    '..',
    'a/..',
  ])
    it(`cannot use the name ${name}`, () => refuses([file(name, 'evil')], /leads out/))

  it('writes an absolute name below the root', async () => {
    const { outside } = scratch
    await scratch.unpack([file(`${outside}/passwd`, 'the image'), file('//etc//./passwd', 'the image')])
    assert.equal(await scratch.read(join(outside, 'passwd')), 'the image')
    assert.equal(await scratch.read('etc/passwd'), 'the image')
    await scratch.assertHostUntouched()
  })

  it('follows a symlink of an earlier entry inside the root, never out of it', async () => {
    await scratch.unpack([directory('outside'), symlink('etc', '../outside'), file('etc/passwd', 'the image')])
    assert.equal(await scratch.read('outside/passwd'), 'the image')
    await scratch.assertHostUntouched()
  })

  it('stays inside through symlinks to the host: absolute, chained, in the middle of a path', async () => {
    const { outside } = scratch
    await scratch.unpack([
      directory(outside.slice(1)),
      symlink('escape', outside),
      symlink('chain', 'escape/../../../../../..'),
      file('escape/passwd', 'the image'),
      file(`chain${outside}/passwd`, 'the image'),
      directory('chain/made', { mode: 0o777 }),
    ])
    await scratch.assertHostUntouched()
  })

  it('cannot reach the host through /proc', async () => {
    await refuses([symlink('self', '/proc/self/root'), file('self/x', 'evil')], /No such file/)
  })

  it('does not write through a symlink that stands where a file is to be', async () => {
    await makeLink(join(scratch.outside, 'passwd'), join(scratch.root, 'target'))
    await scratch.unpack([file('target', 'the image')])
    assert.equal(await scratch.read('target'), 'the image')
    await scratch.assertHostUntouched()
  })

  it('does not change mode, owner or attributes of what a symlink points to', async () => {
    const before = await stat(scratch.outside)
    await makeLink(scratch.outside, join(scratch.root, 'dir'))
    await scratch.unpack([
      symlink('link', scratch.outside, { uid: 4711, pax: { 'SCHILY.xattr.trusted.note': 'evil' } }),
      directory('dir', { mode: 0o777, uid: 4711, pax: { 'SCHILY.xattr.trusted.note': 'evil' } }),
    ])
    const after = await stat(scratch.outside)
    assert.deepEqual([after.mode, after.uid], [before.mode, before.uid])
    assert.equal(attributesOf(scratch.outside), '')
  })

  it('cannot link to a file outside, by name or through a symlink', async () => {
    await refuses([hardLink('stolen', '../outside/passwd')], /leads out/)
    await refuses([symlink('way', scratch.outside), hardLink('stolen', 'way/passwd')], /No such file/)
    await refuses([symlink('way', '../outside'), hardLink('stolen', 'way/passwd')], /No such file/)
  })

  it('links to a symlink, not to what it points to', async () => {
    await scratch.unpack([
      symlink('way', join(scratch.outside, 'passwd')),
      hardLink('same', 'way'),
      file('same', 'new'),
    ])
    assert.equal(await readlink(join(scratch.root, 'way')), join(scratch.outside, 'passwd'))
    await scratch.assertHostUntouched()
  })

  it('cannot link to directories, itself or nothing', async () => {
    await refuses([directory('d'), hardLink('l', 'd')], /Is a directory/)
    await refuses([hardLink('l', 'l')], /No such file/)
    await refuses([hardLink('l', '')])
    await refuses([symlink('s', '')], /impossible name/)
  })

  it('has no way out when a directory becomes a symlink under way', async () => {
    const swaps = Array.from({ length: 50 }, () => [
      directory('swap'),
      file('swap/f', 'in'),
      symlink('swap', '../outside'),
      file('swap/passwd', 'evil'),
      file('swap', 'a file'),
      symlink('swap', scratch.outside),
      file('swap/passwd', 'evil'),
    ]).flat()
    await scratch.unpack([directory('outside'), directory(scratch.outside.slice(1)), ...swaps])
    assert.equal(await scratch.read('outside/passwd'), 'evil')
    await scratch.assertHostUntouched()
  })

  it('writes into the directory that is there now, not into one that was', async () => {
    await scratch.unpack([file('a/b/old', 'old'), symlink('a', 'c'), directory('c'), file('a/b/new', 'new')])
    assert.equal(await scratch.read('c/b/new'), 'new')
  })

  it('cannot put entries below a file, a device or a loop of symlinks', async () => {
    await refuses([file('f'), file('f/below')], /Not a directory/)
    await refuses([device('null', 'c', [1, 3]), file('null/below')], /Not a directory/)
    await refuses([symlink('one', 'two'), symlink('two', 'one'), file('one/below')], /symbolic links/)
  })

  it('cannot make its root something else', async () => {
    for (const name of ['.', './', '/', '']) {
      await refuses([symlink(name, scratch.outside)], /root is no directory/)
      await refuses([hardLink(name, 'f')], /root is no directory/)
    }
  })

  it('cannot hide nothing, the parent or the root', async () => {
    for (const name of ['.wh.', 'etc/.wh..', 'etc/.wh...', '.wh...']) await refuses([file(name)], /names no file/)
    await refuses([file('../.wh.outside')], /leads out/)
    await refuses([file('a/../../outside/.wh..wh..opq')], /leads out/)
  })

  it('marks only directories of its own opaque', async () => {
    await scratch.unpack([
      directory('outside'),
      symlink('way', '../outside'),
      file('way/.wh..wh..opq'),
      file('way/.wh.passwd'),
    ])
    assert.equal(attributesOf(scratch.outside), '')
    await scratch.assertHostUntouched()
    await refuses([file('f'), file('f/.wh..wh..opq')], /Not a directory/)
  })

  it('cannot forge orders to the overlay', async () => {
    const pax = { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.trusted.other': 'kept' }
    await scratch.unpack([directory('d', { pax }), file('f', 'f', { pax })])
    for (const name of ['d', 'f']) assert.equal(attributesOf(join(scratch.root, name)), 'trusted.other=kept')
  })

  it('cannot have names with a NUL, and may have any other byte', async () => {
    await refuses([file('a', '', { pax: { path: 'a\0b' } })], /NUL/)
    await refuses([symlink('a', 'b', { pax: { linkpath: 'a\0b' } })], /NUL/)
    await refuses([file('a', '', { pax: { 'SCHILY.xattr.user.a\0b': 'x' } })], /attribute/)
    const name = 'line\nbreak\ttab\x1b[2Jéscape'
    await scratch.unpack([file('a', 'content', { pax: { path: name } })])
    assert.equal(await scratch.read(name), 'content')
  })

  it('cannot be deeper than the kernel takes', async () => {
    await refuses([file(`${'d/'.repeat(10_000)}f`, 'deep')], /too long/)
    await refuses([file('d'.repeat(300), 'long')], /too long/)
  })

  it('leaves a tree that can be removed, however deep it made it by symlinks', async () => {
    const step = 'd/'.repeat(500)
    const deeper = Array.from({ length: 20 }, (_, level) => [
      directory(`${level === 0 ? '' : `s${level - 1}/`}${step}`.slice(0, -1)),
      symlink(`s${level}`, `${level === 0 ? '' : `s${level - 1}/`}${step}`),
    ]).flat()
    await scratch.unpack(deeper)
    await mkdir(join(scratch.root, 'kept'))
    await removeTree(join(scratch.root, 'd'))
    assert(!(await readdir(scratch.root)).includes('d'))
    assert((await readdir(scratch.root)).includes('kept'))
  })

  it('replaces such a tree by a file', async () => {
    const step = 'd/'.repeat(1000)
    await scratch.unpack([
      directory(step.slice(0, -1)),
      symlink('s', step),
      directory(`s/${step}`.slice(0, -1)),
      file('d', 'flat'),
    ])
    assert.equal(await scratch.read('d'), 'flat')
  })

  it('cannot have extended attributes that are too large', async () => {
    await refuses([file('a', '', { pax: { 'SCHILY.xattr.user.big': 'x'.repeat(70_000) } })], /attribute/)
    await refuses([file('a', '', { pax: { [`SCHILY.xattr.user.${'n'.repeat(260)}`]: 'x' } })], /attribute/)
    await refuses([file('a', '', { pax: { 'SCHILY.xattr.user.big': 'x'.repeat(60_000) } })], /setxattr/)
  })

  it('cannot claim more or less content than a file has', async () => {
    await refuses([file('short', 'abc', { claimedSize: 1 << 20 })], /ends within a file/)
    await refuses([file('long', 'x'.repeat(2000), { claimedSize: 10 })], /checksum/)
    await refuses([file('sparse', 'abcdef', { pax: { 'GNU.sparse.size': '3' } })])
  })
})

describe('the limits of a layer', () => {
  let scratch: UnpackScratch
  beforeEach(async function () {
    needsRoot(this)
    scratch = await makeUnpackScratch()
  })

  it('stop ten gigabytes of zeros, which take no room on the disk until then', async function () {
    this.timeout(120_000)
    const [header] = [
      tarOf([file('zeros', '', { pax: { size: String(10 * 2 ** 30) }, claimedSize: 0 })]).subarray(0, -1024),
    ]
    const zeros = gzipSync(Buffer.alloc(64 << 20))
    const blob = Readable.from([gzipSync(header ?? ''), ...Array.from({ length: 160 }, () => zeros)])
    const bomb = scratch.unpack(Buffer.alloc(0), { blob, mediaType: OCI_LAYER_GZIP })
    await assert.rejects(bomb, /inflates to more than 500 times its size/)
    assert((await stat(join(scratch.root, 'zeros'))).blocks < 100)
  })

  it('stop a layer that inflates to too much, counted in bytes', async () => {
    const tar = tarOf([file('zeros', Buffer.alloc(32 << 20))])
    const blob = Readable.from([gzipSync(tar)])
    await assert.rejects(
      scratch.unpack(tar, { blob, limits: { maxBytes: 16 << 20 } }),
      /inflates to more than 16777216/,
    )
  })

  it('stop a zstd bomb', async () => {
    const tar = tarOf([file('zeros', Buffer.alloc(200 << 20))])
    const blob = Readable.from([zstdCompressSync(tar)])
    const options = { blob, mediaType: OCI_LAYER_ZSTD, limits: { ratioFromBytes: 64 << 20 } }
    await assert.rejects(scratch.unpack(tar, options), /500 times/)
  })

  it('stop a layer of too many files', async () => {
    const entries = Array.from({ length: 11 }, (_, index) => file(`f${index}`))
    await assert.rejects(scratch.unpack(entries, { limits: { maxEntries: 10 } }), /more than 10 files/)
  })

  it('hold the bytes to the digest of the image config, also behind the end of the archive', async () => {
    const tar = tarOf([file('a', 'content')])
    await assert.rejects(scratch.unpack(tar, { diffID: sha256(Buffer.from('other')) }), DiffIDMismatch)
    const longer = Buffer.concat([tar, Buffer.from('more')])
    await assert.rejects(scratch.unpack(tar, { blob: Readable.from([longer]) }), DiffIDMismatch)
  })

  it('refuse damaged and truncated compression with one line', async () => {
    const tar = tarOf([file('a', 'content'.repeat(10_000))])
    for (const [mediaType, blob] of [
      [OCI_LAYER_GZIP, gzipSync(tar)],
      [OCI_LAYER_ZSTD, zstdCompressSync(tar)],
    ] as const) {
      const damaged = Buffer.from(blob)
      damaged.fill(0xff, 20, 40)
      for (const bytes of [damaged, blob.subarray(0, -20), blob.subarray(0, 12)]) {
        const unpacking = scratch.unpack(tar, { blob: Readable.from([bytes]), mediaType })
        await assert.rejects(
          unpacking,
          (error: Error) => error instanceof LayerInvalid && !error.message.includes('\n'),
        )
      }
    }
  })

  it('refuse compression and media types that no layer has', async () => {
    const xz = Readable.from([Buffer.from('fd377a585a0000000000', 'hex')])
    await assert.rejects(scratch.unpack([], { blob: xz }), /compressed with/)
    await assert.rejects(scratch.unpack([], { mediaType: 'text/plain' }), /text\/plain is no layer/)
  })
})
