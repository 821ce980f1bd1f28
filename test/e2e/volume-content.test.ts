import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { device, directory, fifo, file, hardLink, symlink, tarOf } from '../support/tar.ts'

const SEEDED = 'seeded:test'

describe('the content of volumes', () => {
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    const tar = join(coracle.directory, 'seeded.tar')
    writeFileSync(tar, tarOf(seededEntries()))
    coracle.output('import', '--change', 'CMD ["sh"]', tar, SEEDED)
  })
  afterEach(() => {
    const ids = coracle.output('ps', '-aq').split('\n').filter(Boolean)
    if (ids.length > 0) coracle.output('rm', '-f', ...ids)
    const names = coracle.output('volume', 'ls', '-q').split('\n').filter(Boolean)
    if (names.length > 0) coracle.output('volume', 'rm', ...names)
    assert.deepEqual(coracle.leftovers(), [])
  })
  after(() => coracle?.close())

  const pathOf = (volume: string) => coracle.output('volume', 'inspect', '--format', '{{.Mountpoint}}', volume)

  describe('that come from the image', () => {
    it('have owners, modes, times, attributes, links and holes as there, and no devices', () => {
      coracle.output('create', '-v', 'data:/seed', SEEDED)
      const path = pathOf('data')
      const stat = (name: string) => lstatSync(join(path, name))
      assert.deepEqual([stat('').uid, stat('').mode & 0o7777, stat('').mtimeMs], [33, 0o1750, 1_500_000_000_000])
      assert.deepEqual([stat('set').mode & 0o7777, stat('set').uid, stat('set').gid], [0o4711, 5, 6])
      assert.equal(stat('set').mtimeMs, 1_400_000_000_000)
      assert.equal(readlinkSync(join(path, 'link')), '/etc/passwd')
      assert.equal(stat('link').uid, 7)
      assert.equal(stat('set').ino, stat('hard').ino)
      assert.equal(stat('sparse').size, 8 << 20)
      assert.ok(stat('sparse').blocks < 64, 'holes stay holes')
      assert.match(
        execFileSync('getfattr', ['--absolute-names', '-d', join(path, 'set')], { encoding: 'utf8' }),
        /user\.colour="red"/,
      )
      assert.ok(stat('pipe').isFIFO())
      assert.ok(!existsSync(join(path, 'disk')))
      assert.deepEqual(readdirSync(path).sort(), ['deep', 'hard', 'link', 'pipe', 'set', 'sparse'])
    })

    it('are those of the path that links in the image lead to, and nothing that a later layer has removed', () => {
      const script = 'rm -r /seed/deep; mkdir /seed/deep; echo fresh >/seed/deep/fresh; rm /seed/set'
      coracle.output('run', '--name', 'changed', SEEDED, 'sh', '-c', script)
      coracle.output('commit', 'changed', 'seeded:later')
      coracle.output('create', '-v', 'data:/way/to/seed', 'seeded:later')
      assert.deepEqual(readdirSync(pathOf('data')).sort(), ['deep', 'hard', 'link', 'pipe', 'sparse'])
      assert.deepEqual(readdirSync(join(pathOf('data'), 'deep')), ['fresh'])
    })

    it('come into an empty volume also while another container has it, and leave alone what that makes', async () => {
      coracle.output('run', '-d', '--name', 'first', '-v', 'data:/elsewhere', IMAGE, 'sleep', '1000')
      coracle.output('create', '-v', 'data:/seed', SEEDED)
      assert.equal(coracle.output('exec', 'first', 'cat', '/elsewhere/deep/er/file'), 'deep')
      assert.equal(coracle.output('exec', 'first', 'stat', '-c', '%u %a', '/elsewhere'), '33 1750')
      coracle.output('exec', 'first', 'sh', '-c', 'rm -r /elsewhere/* && touch /elsewhere/own')
      coracle.output('create', '-v', 'data:/seed', SEEDED)
      assert.deepEqual(readdirSync(pathOf('data')), ['own'])
    })

    it('are whole when the command was killed in the middle: by whoever comes next', () => {
      coracle.output('volume', 'create', 'data')
      const home = join(pathOf('data'), '..')
      // As a kill -9 leaves it: one entry has been moved already, and what was half written lies beside it.
      for (const name of ['filled/deep/er', 'part/deep']) mkdirSync(join(home, name), { recursive: true })
      for (const name of ['filled/second', 'filled/deep/er/file', '_data/first', 'part/half'])
        writeFileSync(join(home, name), 'x')
      coracle.output('run', '--rm', '-v', 'data:/seed', SEEDED, 'true')
      assert.deepEqual(readdirSync(pathOf('data')).sort(), ['deep', 'first', 'second'])
      assert.ok(!existsSync(join(home, 'filled')))
    })
  })
})

/** /way/to/seed is /seed, with one of every kind. */
function seededEntries(): Parameters<typeof tarOf>[0] {
  const owned = { uid: 5, gid: 6, mode: 0o4711, mtimeS: 1_400_000_000 }
  return [
    ...['bin', 'etc', 'proc', 'sys', 'tmp', 'way'].map((name) => directory(name)),
    file('bin/busybox', readFileSync('/bin/busybox'), { mode: 0o755 }),
    ...['sh', 'rm', 'mkdir', 'true', 'cat', 'ls', 'sleep', 'stat'].map((name) => symlink(`bin/${name}`, 'busybox')),
    symlink('way/to', '..'),
    directory('seed', { uid: 33, gid: 33, mode: 0o1750, mtimeS: 1_500_000_000 }),
    directory('seed/deep'),
    directory('seed/deep/er'),
    file('seed/deep/er/file', 'deep'),
    file('seed/set', 'text', { ...owned, pax: { 'SCHILY.xattr.user.colour': 'red' } }),
    hardLink('seed/hard', 'seed/set'),
    symlink('seed/link', '/etc/passwd', { uid: 7 }),
    file('seed/sparse', Buffer.alloc(8 << 20)),
    fifo('seed/pipe'),
    device('seed/disk', 'b', [8, 0]),
  ]
}
