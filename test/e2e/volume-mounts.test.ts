import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

describe('what is mounted into a container', () => {
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  afterEach(() => {
    const ids = coracle.output('ps', '-aq').split('\n').filter(Boolean)
    if (ids.length > 0) coracle.output('rm', '-f', ...ids)
    const names = coracle.output('volume', 'ls', '-q').split('\n').filter(Boolean)
    if (names.length > 0) coracle.output('volume', 'rm', ...names)
    assert.deepEqual(coracle.leftovers(), [])
  })
  after(() => coracle?.close())

  const inside = (mounts: readonly string[], script: string) =>
    coracle.output('run', '--rm', ...mounts, IMAGE, 'sh', '-c', script)
  const refusal = (...args: string[]) => {
    const { status, stderr } = coracle.run(args)
    assert.equal(status, 125, stderr)
    return stderr
  }
  const pathOf = (volume: string) => coracle.output('volume', 'inspect', '--format', '{{.Mountpoint}}', volume)

  describe('by volume-subpath', () => {
    const part = (path: string) => ['--mount', `source=data,target=/d,volume-subpath=${path}`]
    beforeEach(() => {
      inside(
        ['-v', 'data:/d'],
        'cd /d; mkdir -p a/b swapped; echo deep >a/b/file; echo volume >swapped/hostname; ln -s a/b inner; ln -s /etc absolute; ln -s ../.. up',
      )
    })

    it('is a directory, a file, or what a link in the volume leads to', () => {
      assert.equal(inside(part('a/b'), 'cat /d/file'), 'deep')
      assert.equal(inside(part('a/b/file'), 'cat /d'), 'deep')
      assert.equal(inside(part('inner'), 'cat /d/file'), 'deep')
      inside(part('a'), 'echo new >/d/made')
      assert.ok(existsSync(join(pathOf('data'), 'a/made')))
    })

    it('is nothing outside of the volume, whatever links a container has put there', () => {
      for (const path of ['absolute', 'up', 'up/root', 'absolute/passwd'])
        assert.match(refusal('run', '--rm', ...part(path), IMAGE, 'true'), /it leads out of the volume/)
      assert.match(refusal('run', '--rm', ...part('../data'), IMAGE), /must be a relative path within the volume/)
    })

    it('must be there', () => {
      assert.match(refusal('run', '--rm', ...part('missing'), IMAGE), /missing.*no such file or directory/i)
    })

    it('is nothing outside either while another container swaps a directory for a link', () => {
      const swap = 'while :; do mv swapped away; ln -s /etc swapped; rm swapped; mv away swapped; done'
      coracle.output('run', '-d', '--name', 'swapper', '-v', 'data:/d', '-w', '/d', IMAGE, 'sh', '-c', swap)
      for (let attempt = 0; attempt < 15; attempt += 1) {
        const { status, stdout, stderr } = coracle.run(['run', '--rm', ...part('swapped'), IMAGE, 'cat', '/d/hostname'])
        if (status === 0) assert.equal(stdout, 'volume\n')
        else assert.match(stderr, /leads out of the volume|no such file/i)
      }
    })
  })

  describe('by idmap', () => {
    const home = () => {
      const path = join(coracle.directory, 'home')
      mkdirSync(path, { recursive: true })
      writeFileSync(join(path, 'mine'), 'text')
      for (const name of ['', 'mine']) chownSync(join(path, name), 1234, 4321)
      writeFileSync(join(path, 'theirs'), '')
      chownSync(join(path, 'theirs'), 77, 78)
      return path
    }

    it('belongs to the user of the container as it does outside to its owner', function () {
      const path = home()
      const { status, stdout, stderr } = coracle.run([
        ...['run', '--rm', '-u', '33', '-v', `${path}:/d:idmap`, IMAGE],
        ...['sh', '-c', 'stat -c %u:%g /d/mine /d/theirs; echo new >/d/made'],
      ])
      if (/cannot map ids/.test(stderr)) {
        console.log('skipped: the file system of this host cannot map ids')
        this.skip()
      }
      assert.equal(status, 0, stderr)
      assert.equal(stdout, '33:33\n77:78\n')
      const { uid, gid } = statSync(join(path, 'made'))
      assert.deepEqual([uid, gid], [1234, 4321])
    })

    it('makes no files of the user for others in the container', () => {
      const path = home()
      chmodSync(path, 0o777)
      assert.notEqual(coracle.run(['run', '--rm', '-u', '0', '-v', `${path}:/d:idmap`, IMAGE, 'true']).status, 125)
      const made = coracle.run([
        ...['run', '--rm', '-v', `${path}:/d:idmap`, '--cap-add', 'all', IMAGE],
        ...['sh', '-c', 'touch /d/new; chown 1234 /d/new'],
      ])
      assert.notEqual(made.status, 0, 'nobody in there is the owner under his own number')
    })

    it('takes ranges as they are told, and shows them again', () => {
      const path = home()
      const map = 'idmap=uids=1234-5-1#77-6-1;gids=4321-7-2'
      coracle.output('run', '--name', 'one', '-v', `${path}:/d:${map}`, IMAGE, 'stat', '-c', '%u:%g', '/d/mine')
      assert.equal(coracle.output('logs', 'one'), '5:7')
      assert.match(coracle.output('inspect', '--as-command', 'one'), /idmap=uids=1234-5-1#77-6-1;gids=4321-7-2/)
    })
  })

  describe('by O', () => {
    it('can be changed, and the source and later containers see nothing of it', () => {
      const plain = join(coracle.directory, 'plain,with\\signs')
      mkdirSync(plain)
      writeFileSync(join(plain, 'kept'), 'kept')
      chownSync(plain, 33, 33)
      coracle.output(
        'create',
        '--name',
        'one',
        '-v',
        `${plain}:/d:O`,
        IMAGE,
        'sh',
        '-c',
        'stat -c %u /d; ls /d; rm /d/kept; touch /d/new',
      )
      assert.equal(coracle.output('start', '-a', 'one'), '33\nkept')
      assert.equal(coracle.output('start', '-a', 'one'), '33\nnew')
      assert.deepEqual(readdirSync(plain), ['kept'])
      assert.equal(inside(['-v', `${plain}:/d:O`], 'ls /d'), 'kept')
    })

    it('goes over volumes as well', () => {
      inside(['-v', 'data:/d'], 'echo kept >/d/file')
      inside(['-v', 'data:/d:O'], 'echo lost >/d/file')
      assert.equal(readFileSync(join(pathOf('data'), 'file'), 'utf8'), 'kept\n')
    })
  })

  it('is shown by --debug-plan, volumes that are not made yet included', () => {
    const plan = coracle.output(
      ...['run', '--debug-plan', '-v', 'data:/d', '-v', '/anonymous', '-v', '/etc:/over:O', '-v', '/etc:/map:idmap'],
      ...['--mount', 'source=data,target=/part,volume-subpath=a/b', '-u', '33', IMAGE],
    )
    assert.match(plan, /bind source=".*\/volumes\/data\/_data" target="\/d"/)
    assert.match(plan, /target="\/anonymous"/)
    assert.match(plan, /overlay target="\/over" lower=\["\/etc"\]/)
    assert.match(plan, /target="\/map".* idMap=\{"uids":\[\{"inside":0,"outside":33,"size":1\}/)
    assert.match(plan, /target="\/part".* within="a\/b"/)
    assert.equal(coracle.output('volume', 'ls', '-q'), '')
  })
})
