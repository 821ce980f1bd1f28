import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { openDatabase, transaction } from '../../src/state/database.ts'
import { moveVolume } from '../../src/volumes/records.ts'
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

    it('are there at the first start when whoever made the container was killed before', () => {
      const script = 'cat /seed/deep/er/file; rm -rf /seed/*; ls /seed'
      coracle.output('create', '--name', 'one', '-v', 'data:/seed', '-v', '/anonymous', SEEDED, 'sh', '-c', script)
      const database = openDatabase(join(coracle.directory, 'root/state.db'))
      database.exec('DELETE FROM volume_uses')
      database.close()
      coracle.output('volume', 'prune', '-af')
      assert.equal(coracle.output('start', '-a', 'one'), 'deep')
      assert.equal(coracle.output('inspect', '-f', '{{len .Mounts}} {{(index .Mounts 1).Name}}', 'one'), '2 data')
      assert.notEqual(coracle.run(['start', '-a', 'one']).stdout, 'deep\n', 'later ones leave an empty volume empty')
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

  const into = (script: string, volume = 'data') =>
    coracle.output('run', '--rm', '-v', `${volume}:/d`, IMAGE, 'sh', '-c', script)
  /** Everything a user could tell two trees apart by, but for inode numbers. */
  const manifest = (path: string) =>
    execFileSync(
      'sh',
      ['-c', 'find . -printf "%p %y %m %U:%G %T@ %n %s %l\\n" | sort; find . -type f | sort | xargs md5sum'],
      {
        cwd: path,
        encoding: 'utf8',
      },
    )

  describe('cloned', () => {
    it('are the same, with all that files have, and go their own way from then on', () => {
      coracle.output('create', '-v', 'data:/seed', SEEDED)
      into(
        'mkdir -p /d/many; for i in 1 2 3 4 5 6 7 8 9; do echo $i >/d/many/$i; done; dd if=/dev/urandom of=/d/large bs=64k count=40',
      )
      assert.equal(coracle.output('volume', 'clone', 'data', 'copy'), 'copy')
      assert.equal(manifest(pathOf('copy')), manifest(pathOf('data')))
      const stat = (name: string) => lstatSync(join(pathOf('copy'), name))
      assert.equal(stat('set').ino, stat('hard').ino)
      assert.ok(stat('sparse').blocks < 64)
      assert.match(
        execFileSync('getfattr', ['--absolute-names', '-d', join(pathOf('copy'), 'set')], { encoding: 'utf8' }),
        /red/,
      )
      into('echo changed >/d/many/1', 'copy')
      assert.equal(readFileSync(join(pathOf('data'), 'many/1'), 'utf8'), '1\n')
    })

    it('share the data of files where the file system can do that', function () {
      const image = join(coracle.directory, 'btrfs')
      const root = join(coracle.directory, 'on-btrfs')
      execFileSync('truncate', ['-s', '200M', image])
      if (spawnSync('mkfs.btrfs', ['-q', image]).status !== 0) {
        console.log('skipped: this host has no mkfs.btrfs')
        this.skip()
      }
      mkdirSync(root)
      execFileSync('mount', ['-o', 'loop', image, root])
      try {
        const env = { CORACLE_ROOT: join(root, 'data') }
        assert.equal(coracle.run(['volume', 'create', 'data'], { env }).status, 0)
        const file = join(root, 'data/volumes/data/_data/file')
        // Twice as much is not there: a copy would fail.
        writeFileSync(file, randomBytes(90 << 20), { flush: true })
        const { status, stderr } = coracle.run(['volume', 'clone', 'data', 'copy'], { env })
        assert.equal(status, 0, stderr)
        execFileSync('cmp', [file, join(root, 'data/volumes/copy/_data/file')])
      } finally {
        execFileSync('umount', [root])
      }
    })

    it('never take the place of another volume, and need one with data of its own', () => {
      into('true')
      coracle.output('volume', 'create', 'there')
      assert.match(coracle.run(['volume', 'clone', 'data', 'there']).stderr, /a volume named there exists already/)
      assert.match(coracle.run(['volume', 'clone', 'data', 'data']).stderr, /exists already/)
      assert.match(coracle.run(['volume', 'clone', 'none', 'new']).stderr, /no such volume/)
      coracle.output('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'memory')
      assert.match(coracle.run(['volume', 'clone', 'memory', 'new']).stderr, /it is of the type tmpfs/)
    })
  })

  describe('exported and imported', () => {
    it('are the same again, by a file and by a pipe', () => {
      coracle.output('create', '-v', 'data:/seed', SEEDED)
      const tar = join(coracle.directory, 'data.tar')
      coracle.output('volume', 'export', '-o', tar, 'data')
      coracle.output('volume', 'import', 'again', tar)
      assert.equal(manifest(pathOf('again')), manifest(pathOf('data')))
      const { status } = coracle.run(['volume', 'import', 'piped', '-'], { input: readFileSync(tar) })
      assert.equal(status, 0)
      assert.equal(manifest(pathOf('piped')), manifest(pathOf('data')))
    })

    it('leave what is there, but for files of the same name', () => {
      into('echo old >/d/kept; echo old >/d/file')
      const tar = tarOf([file('file', 'new'), directory('made')])
      assert.equal(coracle.run(['volume', 'import', 'data', '-'], { input: tar }).status, 0)
      assert.equal(into('cat /d/kept /d/file; ls /d'), 'old\nnewfile\nkept\nmade')
    })

    it('never lead out of the volume, whatever the archive says', () => {
      const outside = join(coracle.directory, 'outside')
      mkdirSync(outside, { recursive: true })
      writeFileSync(join(outside, 'passwd'), 'the host')
      const attacks = [
        [symlink('out', outside), file('out/passwd', 'hostile')],
        [symlink('out', '../../../../outside'), file('out/passwd', 'hostile')],
        [file('../../../../outside/passwd', 'hostile')],
        [file(`${outside}/passwd`, 'hostile')],
        [symlink('link', join(outside, 'passwd')), file('link', 'hostile')],
        [symlink('out', outside), hardLink('hard', 'out/passwd'), file('hard', 'hostile')],
      ]
      for (const entries of attacks) {
        coracle.run(['volume', 'import', 'data', '-'], { input: tarOf(entries) })
        assert.equal(readFileSync(join(outside, 'passwd'), 'utf8'), 'the host')
        assert.deepEqual(readdirSync(outside), ['passwd'])
      }
    })

    it('are empty as before when the archive breaks off', () => {
      const tar = tarOf([file('one', 'x'.repeat(5000)), file('two', 'y'.repeat(5000))])
      coracle.output('volume', 'create', 'data')
      const { status, stderr } = coracle.run(['volume', 'import', 'data', '-'], { input: tar.subarray(0, 7000) })
      assert.equal(status, 1)
      assert.match(stderr, /Error processing tar file/)
      assert.deepEqual(readdirSync(pathOf('data')), [])
    })
  })

  describe('under another name', () => {
    it('are the same, and found by stopped containers', () => {
      coracle.output('run', '--name', 'user', '-v', 'data:/d', IMAGE, 'sh', '-c', 'echo line >>/d/log; cat /d/log')
      coracle.output('volume', 'rename', 'data', 'new-name')
      assert.equal(coracle.run(['cp', 'user:/d/log', '-']).stdout.includes('line'), true)
      assert.equal(coracle.output('volume', 'ls', '-q'), 'new-name')
      assert.equal(coracle.output('start', '-a', 'user'), 'line\nline')
      assert.equal(
        coracle.output('inspect', '-f', '{{json .HostConfig.Binds}} {{(index .Mounts 0).Name}}', 'user'),
        '["new-name:/d"] new-name',
      )
      coracle.output('volume', 'create', 'data')
      assert.deepEqual(readdirSync(pathOf('data')), [])
    })

    it('are refused while a container runs with them, which is named, and where the name is taken', () => {
      coracle.output('run', '-d', '--name', 'user', '-v', 'data:/d', IMAGE, 'sleep', '1000')
      const { status, stderr } = coracle.run(['volume', 'rename', 'data', 'other'])
      assert.equal(status, 1)
      assert.match(stderr, /rename data: volume is in use.*\n.*user \(running\)/)
      coracle.output('volume', 'create', 'taken')
      assert.match(coracle.run(['volume', 'rename', 'data', 'taken']).stderr, /exists already/)
      assert.match(coracle.run(['volume', 'rename', 'data', '../x']).stderr, /invalid characters/)
    })

    it('are found when the command was killed before their directory had the name', () => {
      into('echo kept >/d/file')
      const old = pathOf('data')
      const database = openDatabase(join(coracle.directory, 'root/state.db'))
      transaction(database, () => moveVolume(database, 'data', 'moved'))
      database.close()
      coracle.output('volume', 'create', 'data')
      assert.deepEqual(readdirSync(old), [])
      assert.equal(into('cat /d/file', 'moved'), 'kept')
      assert.equal(coracle.run(['system', 'check']).status, 0)
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
