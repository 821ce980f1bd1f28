import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, eventually, eventuallyAttached, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

const USER = 'coracle-exec'

let coracle: Coracle

const exec = (...args: string[]) => coracle.run(['exec', ...args])

function startBox(...words: string[]): string {
  return coracle.output('run', '-d', '--name', 'box', '--network', 'none', ...words)
}

async function removeBox(): Promise<void> {
  coracle?.run(['rm', '-f', 'box'])
  await eventually('nothing is left', () => (coracle?.leftovers() ?? []).length === 0)
}

describe('exec, top and debug as an ordinary user', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this) // to make the ordinary user
    if (spawnSync('useradd', ['--create-home', USER]).status !== 0) {
      console.log('skipped: cannot make a user for this test')
      this.skip()
    }
    const id = (flag: string) => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }))
    coracle = openCoracle({ uid: id('-u'), gid: id('-g') })
  })
  after(() => {
    coracle?.close()
    spawnSync('userdel', ['--remove', USER])
  })
  afterEach(removeBox)

  it('runs in all namespaces of the container, and ends as the program ends', () => {
    startBox('-h', 'inside', IMAGE, 'sleep', '1000')
    const script = 'hostname; id -u; tr "\\0" " " < /proc/1/cmdline; exit 6'
    const { status, stdout, stderr } = exec('box', 'sh', '-c', script)
    assert.deepEqual([status, stdout, stderr], [6, 'inside\n0\nsleep 1000 ', ''])
    assert.match(exec('-u', '0', 'box', 'readlink', '/proc/self').stdout, /^\d{1,2}$/m)
  })

  it('has a terminal, input, and the statuses of programs that cannot be run', () => {
    startBox(IMAGE, 'sleep', '1000')
    assert.match(exec('-t', 'box', 'tty').stdout, /\/dev\/pts\/0/)
    assert.equal(coracle.run(['exec', '-i', 'box', 'cat'], { input: 'word' }).stdout, 'word')
    assert.equal(exec('box', 'no-such').status, 127)
    assert.equal(exec('box', 'sh', '-c', 'kill -9 $$').status, 137)
  })

  it('ends with its container', async () => {
    startBox(IMAGE, 'sleep', '1000')
    exec('-d', 'box', 'sleep', '990.5')
    assert.match(coracle.output('top', 'box'), /sleep 1000[\s\S]*sleep 990\.5/)
    coracle.output('rm', '-f', 'box')
    await eventually('it has ended', () => spawnSync('pgrep', ['-f', '^sleep 990.5']).status === 1)
  })

  it('debugs running and stopped containers', () => {
    startBox(IMAGE, 'sh', '-c', 'echo word > /file; sleep 1000')
    assert.equal(exec('box', 'sh', '-c', 'until test -s /file; do sleep 0.05; done').status, 0)
    const debug = (...words: string[]) => coracle.run(['debug', '--image', IMAGE, 'box', ...words])
    const { stdout, stderr } = debug('sh', '-c', 'ls /container/file; touch /container/x; readlink /proc/1/exe')
    assert.equal(stdout, '/container/file\n/bin/busybox\n')
    assert.match(stderr, /Read-only file system/)
    coracle.output('stop', '-t', '0', 'box')
    assert.equal(debug('cat', '/container/file').stdout, 'word\n')
  })
})

describe('exec elsewhere than in native containers', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())
  afterEach(removeBox)

  it('goes through runc, and leaves the terminals of the host alone', function () {
    if (spawnSync('sh', ['-c', 'command -v runc']).status !== 0) {
      console.log('skipped: runc is not installed')
      this.skip()
    }
    startBox('--runtime', 'runc', IMAGE, 'sleep', '1000')
    const mounts = () => execFileSync('grep', ['-c', '', '/proc/self/mountinfo'], { encoding: 'utf8' })
    const before = mounts()
    const script = 'id -u; tr "\\0" " " < /proc/1/cmdline; exit 3'
    const { status, stdout } = exec('-u', 'www', 'box', 'sh', '-c', script)
    assert.deepEqual([status, stdout], [3, '33\nsleep 1000 '])
    assert.match(exec('-t', 'box', 'tty').stdout, /\/dev\/pts\/0/)
    assert.equal(mounts(), before)
    assert.match(coracle.output('top', 'box'), /sleep 1000/)
    const debug = coracle.run(['debug', '--image', IMAGE, 'box', 'readlink', '/proc/1/exe'])
    assert.equal(debug.stdout, '/bin/busybox\n', debug.stderr)
  })

  it('makes no sense in WebAssembly, and says so; attach and top do', async () => {
    // (module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))
    const endless =
      '0061736d01000000010401600000030201000503010001071302066d656d6f72790200065f737461727400000a090107000' +
      '3400c000b0b'
    writeFileSync(join(coracle.directory, 'endless.wasm'), Buffer.from(endless, 'hex'))
    startBox('./endless.wasm')
    const refused = exec('box', 'true')
    assert.notEqual(refused.status, 0)
    assert.match(refused.stderr, /exec is not possible in a WebAssembly container/)
    assert.match(coracle.run(['debug', 'box']).stderr, /a WebAssembly container has no namespaces/)
    assert.match(coracle.output('top', 'box'), /runner/)
    const attached = coracle.start(['attach', 'box'])
    const closed = new Promise((resolve) => attached.once('close', resolve))
    await eventuallyAttached(coracle, coracle.output('ps', '-q', '--no-trunc'), 1)
    coracle.output('kill', 'box')
    assert.equal(await closed, 137)
  })
})
