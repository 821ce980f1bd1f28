import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, eventually, IMAGE, openCoracle } from '../support/coracle.ts'
import { file, tarOf } from '../support/images.ts'
import { needsRoot } from '../support/needs-root.ts'

const EMPTY = 'empty:test'

let coracle: Coracle

const debug = (...args: string[]) => coracle.run(['debug', '--image', IMAGE, ...args])

/** Everything the container has written, by path and content: what `diff` looks at. */
function written(id: string): string[] {
  const upper = join(coracle.directory, 'root/containers', id, 'upper')
  return readdirSync(upper, { recursive: true, encoding: 'utf8' }).sort()
}

function remains(id: string): string[] {
  const data = join(coracle.directory, 'root/containers', id)
  return readdirSync(data).filter((name) => name.startsWith('debug-'))
}

describe('coracle debug', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())
  afterEach(async () => {
    coracle?.run(['rm', '-f', 'box'])
    await eventually('nothing is left', () => (coracle?.leftovers() ?? []).length === 0)
  })

  describe('beside a running container', () => {
    const start = (...flags: string[]) =>
      coracle.output('run', '-d', '--name', 'box', '--network', 'none', ...flags, IMAGE, 'sleep', '992.5')

    it('sees its processes, its name and its files, with tools of its own', () => {
      start('-h', 'inside', '-v', '/volume')
      coracle.output('exec', 'box', 'sh', '-c', 'echo word > /volume/file')
      const { status, stdout, stderr } = debug(
        'box',
        'sh',
        '-c',
        'hostname; tr "\\0" " " < /proc/1/cmdline; cat /container/volume/file; exit 3',
      )
      assert.equal(status, 3, stderr)
      assert.equal(stdout, 'inside\nsleep 992.5 word\n')
    })

    it('may do what the container may, and trace', () => {
      start('--cap-drop', 'ALL')
      const bits = /CapEff:\s+(\w+)/.exec(debug('box', 'cat', '/proc/self/status').stdout)?.[1]
      assert.equal(BigInt(`0x${bits}`), 1n << 19n)
      assert.equal(debug('box', 'readlink', '/proc/1/exe').stdout, '/bin/busybox\n')
    })

    it('changes nothing of it', () => {
      const id = start()
      const [before, mounts] = [written(id), coracle.output('exec', 'box', 'cat', '/proc/1/mountinfo')]
      const { stderr } = debug('box', 'sh', '-c', 'touch /container/x /own; rm /container/bin/sh')
      assert.match(stderr, /Read-only file system[\s\S]*Read-only file system/)
      assert.deepEqual(written(id), before)
      assert.equal(coracle.output('exec', 'box', 'cat', '/proc/1/mountinfo'), mounts)
      assert.deepEqual(remains(id), [])
    })

    it('is under its limits', () => {
      const id = start()
      assert.equal(debug('box', 'true').status, 0)
      const child = coracle.start(['debug', '--image', IMAGE, 'box', 'sleep', '991.5'])
      const group = () => readdirSync('/proc').find((pid) => isRunning(pid, 'sleep\u0000991.5\u0000'))
      return eventually('it runs', () => group() !== undefined).then(async () => {
        assert(readFileSync(`/proc/${group()}/cgroup`, 'utf8').includes(id))
        coracle.output('rm', '-f', 'box')
        assert.equal((await once(child, 'close'))[0], 137)
      })
    })

    it('leaves nothing when its command is killed, once it has ended', async () => {
      const id = start()
      const child = coracle.start(['debug', '--image', IMAGE, 'box', 'sleep', '1.25'])
      await eventually('it runs', () => readdirSync('/proc').some((pid) => isRunning(pid, 'sleep\u00001.25\u0000')))
      child.kill('SIGKILL')
      await eventually('its files are removed', () => remains(id).length === 0)
    })

    it('says what it cannot be beside of', () => {
      start()
      coracle.output('pause', 'box')
      assert.match(debug('box', 'true').stderr, /is paused, unpause the container before debug/)
      coracle.output('unpause', 'box')
      assert.equal(debug('box', 'no-such').status, 127)
    })
  })

  describe('beside a stopped container', () => {
    it('sees the files as the container has left them, read-only', () => {
      coracle.run(['run', '--name', 'box', '--network', 'none', IMAGE, 'sh', '-c', 'echo left > /file; rm /etc/passwd'])
      const id = coracle.output('ps', '-aq', '--no-trunc')
      const before = written(id)
      const { stdout, stderr } = debug('box', 'sh', '-c', 'cat /container/file; ls /container/etc; touch /container/x')
      assert.match(stdout, /^left\n/)
      assert.doesNotMatch(stdout, /passwd/)
      assert.match(stderr, /Read-only file system/)
      assert.deepEqual(written(id), before)
      assert.deepEqual(remains(id), [])
    })

    it('clears away the next time what a killed one has left', async () => {
      coracle.run(['run', '--name', 'box', '--network', 'none', IMAGE, 'true'])
      const child = coracle.start(['debug', '--image', IMAGE, 'box', 'sleep', '989.5'])
      const closed = once(child, 'close')
      await eventually('it runs', () => readdirSync('/proc').some((pid) => isRunning(pid, 'sleep\u0000989.5\u0000')))
      const directories = join(coracle.directory, 'run/d')
      const [name = ''] = readdirSync(directories)
      child.kill('SIGKILL')
      const record = readFileSync(join(directories, name, 'pid'), 'utf8')
      process.kill(Number(/^supervisor=(\d+)$/m.exec(record)?.[1]), 'SIGKILL')
      await eventually(
        'it has ended',
        () => !readdirSync('/proc').some((pid) => isRunning(pid, 'sleep\u0000989.5\u0000')),
      )
      await closed

      assert.equal(debug('box', 'true').status, 0)

      assert.deepEqual(readdirSync(directories), [])
      const found = spawnSync('find', ['/sys/fs/cgroup', '-name', `debug-${name}`], { encoding: 'utf8' })
      assert.equal(found.stdout, '')
    })

    it('needs no tools, not even a shell, in the image', () => {
      const tar = tarOf([file('only', 'content')])
      coracle.run(['import', '-', EMPTY], { input: tar })
      coracle.output('create', '--name', 'box', '--network', 'none', EMPTY, '/only')
      assert.equal(debug('box', 'cat', '/container/only').stdout, 'content')
    })
  })
})

function isRunning(pid: string, cmdline: string): boolean {
  try {
    return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') === cmdline
  } catch {
    return false // it has just ended
  }
}
