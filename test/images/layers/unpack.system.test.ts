import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readdir, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, it } from 'mocha'
import { OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from '../../../src/oci/media-types.ts'
import { describeNative, type Native } from '../../support/native.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { device, directory, fifo, file, hardLink, symlink, tarOf } from '../../support/tar.ts'
import { attributesOf, makeUnpackScratch, type UnpackScratch } from '../../support/unpack.ts'

/** cap_net_bind_service=ep */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex')

describeNative('unpackLayer, of honest layers', (native: () => Native) => {
  let scratch: UnpackScratch
  const at = (path: string) => join(scratch.root, path)
  beforeEach(async () => {
    scratch = await makeUnpackScratch(native())
  })

  it('keeps types, content, modes, owners and times', async () => {
    const answer = await scratch.unpack([
      directory('etc', { mode: 0o750, uid: 1, gid: 2, mtimeS: 1_000_000_000 }),
      file('etc/passwd', 'root', { mode: 0o4755, uid: 1000, gid: 1001, mtimeS: 1_234_567_890 }),
      symlink('etc/link', 'passwd', { mtimeS: 1_111_111_111, uid: 5 }),
      hardLink('etc/hard', 'etc/passwd'),
      device('null', 'c', [1, 3]),
      fifo('pipe'),
    ])

    assert.deepEqual([answer.fileCount, answer.sizeBytes], [6, 4])
    const status = await lstat(at('etc/passwd'))
    assert.deepEqual(
      [status.mode & 0o7777, status.uid, status.gid, status.mtimeMs],
      [0o4755, 1000, 1001, 1_234_567_890_000],
    )
    assert.equal(status.ino, (await lstat(at('etc/hard'))).ino)
    assert.equal(await readlink(at('etc/link')), 'passwd')
    const link = await lstat(at('etc/link'))
    assert.deepEqual([link.mtimeMs, link.uid], [1_111_111_111_000, 5])
    const etc = await lstat(at('etc'))
    assert.deepEqual([etc.mode & 0o7777, etc.uid, etc.gid, etc.mtimeMs], [0o750, 1, 2, 1_000_000_000_000])
    const node = await lstat(at('null'))
    assert(node.isCharacterDevice() && node.rdev === 0x103)
    assert((await lstat(at('pipe'))).isFIFO())
  })

  it('does not inherit the group of a directory that passes it on', async () => {
    await scratch.unpack([directory('shared', { mode: 0o2775, gid: 50 }), file('shared/f'), directory('shared/d')])
    assert.deepEqual([(await stat(at('shared/f'))).gid, (await stat(at('shared/d'))).mode & 0o7777], [0, 0o755])
  })

  it('takes names, owners, sizes and nanoseconds from PAX headers', async () => {
    const name = `deep/${'x'.repeat(200)}/ünïcode\nline`
    await scratch.unpack([
      file('short', 'content', { pax: { path: name, uid: '3000000', gid: '3000001', mtime: '1500000000.123456789' } }),
      file('old', '', { pax: { mtime: '-1.25' } }),
    ])

    const status = await lstat(at(name), { bigint: true })
    assert.deepEqual([status.uid, status.gid, status.mtimeNs], [3_000_000n, 3_000_001n, 1_500_000_000_123_456_789n])
    assert.equal((await lstat(at('old'), { bigint: true })).mtimeNs, -1_250_000_000n)
  })

  it('takes long names from GNU headers, also where they are cut behind a slash', async () => {
    const names = [`${'d'.repeat(120)}/${'f'.repeat(120)}`, `${'e'.repeat(99)}/file`]
    await scratch.unpack(names.map((name) => file(name, `content of ${name}`)))
    for (const name of names) assert.equal(await scratch.read(name), `content of ${name}`)
  })

  it('keeps names that are no text, byte for byte', async () => {
    const name = Buffer.from([0x66, 0xff, 0xfe, 0x80])
    await scratch.unpack([file('raw', 'bytes', { raw: [[0, Buffer.concat([name, Buffer.alloc(96)])]] })])
    assert.deepEqual(await readdir(scratch.root, { encoding: 'buffer' }), [name])
  })

  it('sets extended attributes after content and owner, which would take file capabilities away', async () => {
    const pax = { 'SCHILY.xattr.security.capability': CAPABILITY, 'SCHILY.xattr.user.note': 'note' }
    await scratch.unpack([
      file('server', 'program', { mode: 0o755, pax }),
      file('owned', 'program', { uid: 7, mode: 0o755, pax }),
      directory('d', { pax: { 'SCHILY.xattr.user.note': 'note' } }),
      symlink('s', 'server', { pax: { 'SCHILY.xattr.user.note': 'not on a symlink' } }),
    ])

    for (const name of ['server', 'owned']) {
      assert.match(execFileSync('/usr/sbin/getcap', [at(name)], { encoding: 'utf8' }), /cap_net_bind_service/)
      assert.match(attributesOf(at(name)), /user.note=note/)
    }
    assert.equal(attributesOf(at('d')), 'user.note=note')
    assert.equal(attributesOf(at('s')), '')
  })

  it('writes whiteouts and opaque directories as overlayfs reads them', async () => {
    await scratch.unpack([
      directory('var'),
      file('var/.wh.gone', 'content of no meaning'),
      directory('opt'),
      file('opt/.wh..wh..opq'),
      file('opt/new', 'n'),
      file('made/.wh..wh..opq'),
      file('.wh..wh.plnk/aufs'),
      file('.wh..wh.aufs'),
    ])

    const whiteout = await lstat(at('var/gone'))
    assert(whiteout.isCharacterDevice() && whiteout.rdev === 0)
    assert.deepEqual(await readdir(at('opt')), ['new'])
    for (const name of ['opt', 'made']) assert.equal(attributesOf(at(name)), 'trusted.overlay.opaque=y')
    assert.equal(attributesOf(at('var')), '')
  })

  it('hides only lower layers by a whiteout, whatever its place among the entries', async () => {
    await scratch.unpack([
      file('.wh.before'),
      directory('before'),
      file('before/new', 'kept'),
      directory('after'),
      file('after/new', 'kept'),
      file('.wh.after'),
      file('f', 'kept'),
      file('.wh.f'),
    ])
    for (const name of ['before', 'after']) {
      assert.equal(await scratch.read(`${name}/new`), 'kept')
      assert.equal(attributesOf(at(name)), 'trusted.overlay.opaque=y')
    }
    assert.equal(await scratch.read('f'), 'kept')
  })

  it('marks an opaque directory behind a symlink, not the symlink', async () => {
    await scratch.unpack([directory('real'), symlink('alias', 'real'), file('alias/.wh..wh..opq')])
    assert.equal(attributesOf(at('real')), 'trusted.overlay.opaque=y')
    assert.equal(attributesOf(at('alias')), '')
  })

  it('makes holes of zeros, whatever the archive calls them', async () => {
    const zeros = Buffer.alloc(4 << 20)
    const content = Buffer.concat([Buffer.from('head'), zeros, Buffer.from('tail')])
    await scratch.unpack([file('disk', content), file('zeros', zeros), file('small', Buffer.alloc(100))])
    assert.deepEqual(await scratch.read('disk'), content.toString())
    assert.equal((await stat(at('zeros'))).size, 4 << 20)
    for (const name of ['disk', 'zeros']) assert((await stat(at(name))).blocks < 512)
    assert.equal((await stat(at('small'))).size, 100)
  })

  it('lets a later entry replace an earlier one, whatever it was', async () => {
    await scratch.unpack([
      directory('x'),
      file('x/below', 'old'),
      file('x', 'a file now'),
      symlink('y', 'x'),
      directory('y'),
      file('y/z', 'in a directory'),
      file('twice', 'first, and longer'),
      hardLink('other', 'twice'),
      file('twice', 'second'),
      hardLink('twice', 'twice'),
      hardLink('y', 'twice'),
    ])
    assert.equal(await scratch.read('x'), 'a file now')
    assert.deepEqual([await scratch.read('twice'), await scratch.read('other')], ['second', 'first, and longer'])
    assert.equal(await scratch.read('y'), 'second')
  })

  it('keeps what was in a directory that is listed twice, and the later attributes', async () => {
    await scratch.unpack([
      directory('d', { mode: 0o700 }),
      file('d/f', 'kept'),
      directory('d', { mode: 0o755, uid: 3 }),
    ])
    const status = await stat(at('d'))
    assert.deepEqual([status.mode & 0o7777, status.uid, await scratch.read('d/f')], [0o755, 3, 'kept'])
  })

  it('makes directories that the archive does not list', async () => {
    await scratch.unpack([file('a/b/c/d', 'deep')])
    assert.equal((await stat(at('a/b'))).mode & 0o7777, 0o755)
  })
})

describe('unpackLayer', () => {
  let scratch: UnpackScratch
  beforeEach(async () => {
    scratch = await makeUnpackScratch()
  })

  it('reads plain, gzip and zstd layers in one or many pieces, and believes the bytes when the media type is wrong', async () => {
    const tar = tarOf([file('a', 'content'.repeat(10_000)), file('b', 'end')])
    const halves = [tar.subarray(0, 3000), tar.subarray(3000)]
    for (const [mediaType, blob] of [
      [OCI_LAYER, tar],
      [OCI_LAYER_GZIP, gzipSync(tar)],
      [OCI_LAYER_ZSTD, zstdCompressSync(tar)],
      [OCI_LAYER_GZIP, tar],
      [OCI_LAYER, zstdCompressSync(tar)],
      [OCI_LAYER_GZIP, Buffer.concat(halves.map((half) => gzipSync(half)))],
      [OCI_LAYER_ZSTD, Buffer.concat(halves.map((half) => zstdCompressSync(half)))],
    ] as const) {
      await scratch.unpack(tar, { mediaType, blob: Readable.from([blob]) })
      assert.equal(await scratch.read('b'), 'end')
    }
  })

  it('puts entries together however the bytes arrive', async () => {
    const tar = tarOf([
      directory('etc'),
      file('etc/a', 'x'.repeat(3000)),
      file('etc/b', 'y', { pax: { comment: 'c'.repeat(600) } }),
    ])
    const blob = Readable.from([...gzipSync(tar)].map((byte) => Buffer.from([byte])))
    await scratch.unpack(tar, { blob })
    assert.equal((await scratch.read('etc/a')).length, 3000)
    assert.equal(await scratch.read('etc/b'), 'y')
  })

  for (const format of ['v7', 'ustar', 'gnu', 'oldgnu', 'posix']) {
    it(`gives what GNU tar packed in its format ${format}`, async () => {
      const from = await scratchDirectory()
      const long = format === 'v7' || format === 'ustar' ? 'n' : 'n'.repeat(160)
      await mkdir(join(from, 'dir'))
      await writeFile(join(from, 'dir', long), 'long name')
      execFileSync('mknod', [join(from, 'block'), 'b', '7', '300'])
      execFileSync('truncate', ['-s', '3M', join(from, 'sparse')])
      execFileSync(
        'dd',
        ['if=/dev/urandom', `of=${join(from, 'sparse')}`, 'bs=4096', 'count=3', 'seek=300', 'conv=notrunc'],
        {
          stdio: 'ignore',
        },
      )
      const devices = format === 'v7' ? ['--exclude=block'] : []
      const sparse = format === 'v7' || format === 'ustar' ? [] : ['-S']
      const words = [`--format=${format}`, ...sparse, '-C', from, ...devices, '-cf', '-', '.']
      await scratch.unpack(execFileSync('tar', words, { maxBuffer: 64 << 20 }))

      assert.equal(await scratch.read(join('dir', long)), 'long name')
      execFileSync('cmp', [join(from, 'sparse'), join(scratch.root, 'sparse')])
      if (format !== 'v7')
        assert.equal((await lstat(join(scratch.root, 'block'))).rdev, (await lstat(join(from, 'block'))).rdev)
    })
  }

  for (const version of ['0.0', '0.1', '1.0']) {
    it(`gives sparse files in PAX form ${version}, in many pieces`, async () => {
      const from = await scratchDirectory()
      const disk = join(from, 'disk')
      execFileSync('truncate', ['-s', '2M', disk])
      const piece = Buffer.alloc(4096, 'x')
      for (let index = 1; index < 120; index += 2)
        execFileSync('dd', [`of=${disk}`, 'bs=4096', `seek=${index * 3}`, 'conv=notrunc'], {
          input: piece,
          stdio: ['pipe', 'ignore', 'ignore'],
        })
      const words = ['--format=posix', `--sparse-version=${version}`, '-S', '-C', from, '-cf', '-', 'disk']
      await scratch.unpack(execFileSync('tar', words, { maxBuffer: 64 << 20 }))
      execFileSync('cmp', [disk, join(scratch.root, 'disk')])
      assert((await stat(join(scratch.root, 'disk'))).blocks <= (await stat(disk)).blocks)
    })
  }

  it('reports progress in compressed bytes, up to the last one', async () => {
    const tar = tarOf([file('a', 'content'.repeat(100_000))])
    const blob = gzipSync(tar)
    const seen: number[] = []
    const pieces = [blob.subarray(0, 100), blob.subarray(100)]
    await scratch.unpack(tar, { blob: Readable.from(pieces), onProgress: (bytes) => void seen.push(bytes) })
    assert.equal(seen.at(-1), blob.length)
    assert.deepEqual(
      seen,
      seen.toSorted((one, other) => one - other),
    )
  })

  it('ends at once when it is aborted, and lets go of the directory', async () => {
    const stop = new AbortController()
    const tar = tarOf([file('a', Buffer.alloc(64 << 20, 'x'))])
    const unpacking = scratch.unpack(tar, {
      blob: Readable.from([gzipSync(tar)]),
      onProgress: () => stop.abort(new Error('enough')),
      signal: stop.signal,
    })
    await assert.rejects(unpacking, /enough/)
    const open = execFileSync('sh', [
      '-c',
      `ls -l /proc/[0-9]*/fd /proc/[0-9]*/cwd 2>/dev/null | grep -c '${scratch.root}' || true`,
    ])
    assert.equal(open.toString().trim(), '0')
  })
})
