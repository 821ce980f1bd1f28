import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, type Outcome, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

const WORDS =
  /no space left on the device of \/\S+: (?:at least \d+ more bytes are needed, \d+|\d+ bytes) are free\nfree some: coracle system prune/

describe('a full disk', () => {
  let coracle: Coracle
  let root = ''
  const filler = () => join(root, 'filler')

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    root = join(coracle.directory, 'root')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', root])
    coracle.output('import', '--change', 'CMD ["sh"]', join(coracle.directory, 'busybox.tar'), IMAGE)
  })
  afterEach(() => {
    if (root === '') return
    rmSync(filler(), { force: true })
    assert.deepEqual(
      coracle.leftovers((line) => line.includes(` ${root} `)),
      [],
    )
    assert.deepEqual(readdirSync(join(root, 'blobs/partial')), [], 'nothing half-done is left')
  })
  after(() => {
    if (root === '') return
    coracle.output('network', 'prune', '-f') // as long as it is known what there is
    execFileSync('umount', ['-l', root])
    coracle.close()
  })

  function fill(freeBytes = 0): void {
    const { bavail, bsize } = statfsSync(root)
    writeFileSync(filler(), Buffer.alloc(Math.max(0, bavail * bsize - freeBytes)))
  }
  const says = ({ status, stderr }: Outcome, expected: number) => {
    assert.match(stderr, WORDS)
    assert.equal(status, expected)
    assert.equal(stderr.trim().split('\n').length, 2, 'one line, and what to do')
  }

  it('stops an import in plain words, and leaves nothing of it', () => {
    fill(300_000)
    says(coracle.run(['import', join(coracle.directory, 'busybox.tar'), 'other:1']), 1)
    assert.doesNotMatch(coracle.output('images'), /other/)
    rmSync(filler())
    coracle.output('import', join(coracle.directory, 'busybox.tar'), 'other:1')
    coracle.output('rmi', 'other:1')
  })

  it('stops a run with 125, and leaves no container', () => {
    fill()
    const outcome = coracle.run(['run', '--rm', '--name', 'none', IMAGE, 'true'])
    if (outcome.status !== 0) says(outcome, 125) // a few kilobytes may be found all the same
    assert.equal(coracle.output('ps', '-a', '-q'), '')
  })

  it('stops a commit, which leaves the container running as it was', () => {
    coracle.output(
      'run',
      '-d',
      '--name',
      'source',
      IMAGE,
      'sh',
      '-c',
      'head -c 6000000 /dev/urandom >/data; sleep 1000',
    )
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
      if (coracle.run(['exec', 'source', 'sh', '-c', 'test $(wc -c </data) = 6000000']).status === 0) break
    }
    fill(1_000_000)
    says(coracle.run(['commit', 'source', 'kept:1']), 1)
    assert.equal(coracle.output('inspect', '--format', '{{.State.Status}}', 'source'), 'running')
    assert.doesNotMatch(coracle.output('images'), /kept/)
    coracle.output('rm', '-f', 'source')
  })

  it('keeps nobody from reading logs, stopping, removing and pruning, down to the last byte', async () => {
    coracle.output('run', '-d', '--name', 'talks', IMAGE, 'sh', '-c', 'echo early; sleep 1000')
    coracle.output('create', '--name', 'idle', IMAGE, 'true')
    await until('it has talked', () => coracle.output('logs', 'talks') === 'early')
    fill()
    assert.equal(coracle.output('logs', 'talks'), 'early')
    assert.equal(coracle.output('inspect', '--format', '{{.State.Status}}', 'talks'), 'running')
    coracle.output('stop', '-t', '0', 'talks')
    coracle.output('rm', 'talks')
    coracle.output('container', 'prune', '-f')
    coracle.output('image', 'prune', '-a', '-f')
    assert.equal(coracle.output('images', '-q'), '')
    rmSync(filler())
    coracle.output('import', '--change', 'CMD ["sh"]', join(coracle.directory, 'busybox.tar'), IMAGE)
    assert(existsSync(join(root, 'reserve')), 'what was held back is held back again')
  })

  it('costs a container the log lines of that time, and nothing else', async () => {
    const script =
      'echo early; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo lost; sleep 0.1; echo ok >/dev/null; exit 5'
    coracle.output('run', '-d', '--name', 'writes', '--tmpfs', '/tmp', IMAGE, 'sh', '-c', script)
    await until('it has written', () => coracle.output('logs', 'writes') === 'early')
    fill()
    coracle.run(['exec', 'writes', 'touch', '/tmp/go'])
    assert.equal(coracle.output('wait', 'writes'), '5')
    assert.match(coracle.output('logs', 'writes'), /^early/)
    coracle.output('rm', 'writes')
  })

  it('ends no log for good: it goes on when there is room for its next file', async () => {
    const signs = join(coracle.directory, 'signs')
    mkdirSync(signs)
    const script = `
      touch /signs/ready; until [ -e /signs/full ]; do sleep 0.05; done
      for n in $(seq 50); do echo "line $n of many that do not fit"; done
      touch /signs/written; until [ -e /signs/room ]; do sleep 0.05; done
      echo after; sleep 1000`
    const flags = ['--log-opt', 'max-size=1k', '--log-opt', 'max-file=3', '-v', `${signs}:/signs`]
    const id = coracle.output('run', '-d', ...flags, IMAGE, 'sh', '-c', script)
    await until('it is ready', () => existsSync(join(signs, 'ready')))
    const { files, ffree } = statfsSync(root)
    allowFiles(files - ffree)
    writeFileSync(join(signs, 'full'), '')
    await until('it has written', () => existsSync(join(signs, 'written')))
    allowFiles(files)
    writeFileSync(join(signs, 'room'), '')
    await until('the log has what came after', () => coracle.output('logs', id).endsWith('after'))
    coracle.output('rm', '-f', id)
  })

  const allowFiles = (count: number) => execFileSync('mount', ['-o', `remount,nr_inodes=${count}`, root])
})
