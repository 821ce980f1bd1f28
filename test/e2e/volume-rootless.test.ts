import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { directory, file, symlink, tarOf } from '../support/tar.ts'

const USER = 'coracle-e2e-volumes'

describe('volumes of an ordinary user', function () {
  this.timeout(120_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this) // to make the ordinary user
    if (spawnSync('useradd', ['--create-home', USER]).status !== 0) {
      console.log('skipped: cannot make a user for this test')
      this.skip()
    }
    if (!readFileSync('/etc/subuid', 'utf8').includes(`${USER}:`)) {
      console.log('skipped: this host grants no subordinate ids')
      this.skip()
    }
    const id = (flag: string) => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }))
    coracle = openCoracle({ uid: id('-u'), gid: id('-g') })
    const tar = join(coracle.directory, 'seeded.tar')
    writeFileSync(
      tar,
      tarOf([
        ...['bin', 'etc', 'proc', 'sys', 'tmp'].map((name) => directory(name)),
        file('bin/busybox', readFileSync('/bin/busybox'), { mode: 0o755 }),
        ...['sh', 'cat', 'ls', 'stat'].map((name) => symlink(`bin/${name}`, 'busybox')),
        directory('seed', { uid: 33, gid: 33, mode: 0o750 }),
        directory('seed/closed', { uid: 34, gid: 34, mode: 0o700 }),
        file('seed/closed/secret', 'secret', { uid: 34, gid: 34, mode: 0o600 }),
      ]),
    )
    coracle.output('import', '--change', 'CMD ["sh"]', tar, 'seeded:test')
  })
  afterEach(() => {
    const names = coracle.output('volume', 'ls', '-q').split('\n').filter(Boolean)
    const homes = names.map((name) => join(coracle.directory, 'root/volumes', name))
    if (names.length > 0) coracle.output('volume', 'rm', ...names)
    assert.deepEqual(homes.filter(existsSync), [], 'files of other users are removed as well')
    assert.deepEqual(coracle.leftovers(), [])
  })
  after(() => {
    coracle?.close()
    spawnSync('userdel', ['--remove', USER])
  })

  const listing = 'stat -c "%u:%g %a %n" /d /d/closed /d/closed/secret; cat /d/closed/secret'
  const show = (volume: string) => coracle.output('run', '--rm', '-v', `${volume}:/d`, IMAGE, 'sh', '-c', listing)
  const EXPECTED = '33:33 750 /d\n34:34 700 /d/closed\n34:34 600 /d/closed/secret\nsecret'

  it('are filled from the image with files that belong to other users', () => {
    coracle.output('run', '--rm', '-v', 'data:/seed', 'seeded:test', 'sh', '-c', 'true')
    assert.equal(show('data'), EXPECTED)
  })

  it('are filled also from a directory that this user may not look into', () => {
    coracle.output('create', '--name', 'one', '-v', 'data:/seed/closed', 'seeded:test')
    coracle.output('rm', 'one')
    assert.equal(coracle.output('run', '--rm', '-v', 'data:/d', IMAGE, 'cat', '/d/secret'), 'secret')
  })

  it('are cloned, exported, imported and renamed with them', () => {
    coracle.output('run', '--rm', '-v', 'data:/seed', 'seeded:test', 'sh', '-c', 'true')
    coracle.output('volume', 'clone', 'data', 'copy')
    assert.equal(show('copy'), EXPECTED)
    coracle.output('volume', 'rename', 'copy', 'moved')
    const tar = join(coracle.directory, 'exported.tar')
    coracle.output('volume', 'export', '-o', tar, 'moved')
    coracle.output('volume', 'import', 'again', tar)
    assert.equal(show('again'), EXPECTED)
    assert.match(coracle.output('system', 'df', '-v'), /again/)
    assert.match(coracle.output('volume', 'prune', '-af'), /again/)
  })

  it('can be had with changes of one’s own, and not with other owners', () => {
    coracle.output('run', '--rm', '-v', 'data:/d', IMAGE, 'sh', '-c', 'echo kept >/d/file')
    coracle.output('run', '--rm', '-v', 'data:/d:O', IMAGE, 'sh', '-c', 'echo lost >/d/file')
    assert.equal(coracle.output('run', '--rm', '-v', 'data:/d', IMAGE, 'cat', '/d/file'), 'kept')
    const { status, stderr } = coracle.run(['run', '--rm', '-v', 'data:/d:idmap', IMAGE, 'true'])
    assert.equal(status, 125)
    assert.match(stderr, /idmap needs root/)
  })
})
