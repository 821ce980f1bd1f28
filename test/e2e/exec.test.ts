import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { openDatabase } from '../../src/state/database.ts'
import { readEvents } from '../../src/state/events.ts'
import { type Coracle, eventually, IMAGE, type Outcome, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

const CAP_SYS_ADMIN = 1n << 21n

let coracle: Coracle

const exec = (...args: string[]): Outcome => coracle.run(['exec', ...args])
const output = (...args: string[]): string => coracle.output('exec', ...args)

/** A container called `box` that stays. @returns its id */
function startBox(...flags: string[]): string {
  return coracle.output('run', '-d', '--name', 'box', '--network', 'none', ...flags, IMAGE, 'sleep', '1000')
}

/** The run directories of execs of the container. */
function execDirectories(id: string): string[] {
  const directory = join(coracle.directory, 'run/c', id.slice(0, 32))
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith('e-')) : []
}

/** The host's pids of processes with these arguments, in a container or not. */
function processes(...argv: string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === argv.map((word) => `${word}\0`).join('')
      } catch {
        return false // it has just ended
      }
    })
}

function eventsOf(id: string): string[] {
  const database = openDatabase(join(coracle.directory, 'root/state.db'))
  try {
    return readEvents(database, 0, 10_000)
      .filter(({ actor, action }) => actor === id && action.startsWith('exec_'))
      .map(({ action, attributes }) => `${action} ${attributes['exitCode'] ?? ''}`.trim())
  } finally {
    database.close()
  }
}

describe('coracle exec', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())
  afterEach(() => {
    coracle?.run(['rm', '-f', 'box'])
    assert.deepEqual(coracle?.leftovers() ?? [], [])
  })

  it('ends as the program ends, and keeps its streams apart', () => {
    startBox()
    const { status, stdout, stderr } = exec('box', 'sh', '-c', 'echo out; echo err >&2; exit 7')
    assert.deepEqual({ status, stdout, stderr }, { status: 7, stdout: 'out\n', stderr: 'err\n' })
    assert.equal(exec('box', 'sh', '-c', 'kill -9 $$').status, 137)
  })

  it('has docker’s statuses for programs that cannot be run', () => {
    startBox()
    const missing = exec('box', 'no-such')
    assert.equal(missing.status, 127)
    assert.match(missing.stderr, /exec: "no-such": executable file not found in \$PATH/)
    assert.equal(exec('box', '/etc/passwd').status, 126)
    assert.equal(exec('-w', '/no/such', 'box', 'true').status, 126)
  })

  it('passes standard input with -i to its end, and has none without', () => {
    startBox()
    assert.equal(coracle.run(['exec', '-i', 'box', 'cat'], { input: 'a\nb' }).stdout, 'a\nb')
    assert.equal(coracle.run(['exec', 'box', 'cat'], { input: 'a' }).stdout, '')
  })

  it('carries a megabyte both ways without losing a byte', () => {
    startBox()
    const input = Buffer.alloc(1 << 20, 'coracle ')
    assert.equal(coracle.run(['exec', '-i', 'box', 'cat'], { input }).stdout, input.toString())
  })

  it('runs as another user, elsewhere, with other variables', () => {
    startBox('-e', 'A=1', '-w', '/tmp')
    const file = join(coracle.directory, 'variables')
    writeFileSync(file, 'B=2\n# comment\n')
    assert.equal(output('box', 'sh', '-c', 'id -u; pwd; echo $A $HOME'), '0\n/tmp\n1 /root')
    const words = ['-u', '33', '-w', '/', '-e', 'A=3', '--env-file', file]
    assert.equal(output(...words, 'box', 'sh', '-c', 'id -u; pwd; echo $A $B'), '33\n/\n3 2')
  })

  it('is held by the filter, capabilities and control groups of the container', () => {
    const id = startBox('--cap-drop', 'ALL', '--cap-add', 'CHOWN', '--pids-limit', '50')
    assert.match(output('box', 'grep', '-E', 'CapBnd|Seccomp:', '/proc/self/status'), /0{15}1\s+Seccomp:\s+2/)
    const [, effective = '0'] = /CapEff:\s+(\w+)/.exec(output('--privileged', 'box', 'cat', '/proc/self/status')) ?? []
    assert(BigInt(`0x${effective}`) & CAP_SYS_ADMIN)
    output('-d', 'box', 'sleep', '999.25')
    const [pid] = processes('sleep', '999.25')
    assert(readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/coracle/${id}`))
  })

  it('leaves a detached program to itself, and no trace of it when it has ended', async () => {
    const id = startBox()
    const script = 'until test -e /go; do sleep 0.05; done; echo done > /tmp/done; exit 3'
    assert.deepEqual(exec('-d', 'box', 'sh', '-c', script), { status: 0, stdout: '', stderr: '' })
    assert.equal(execDirectories(id).length, 1)
    output('box', 'touch', '/go')
    await eventually('its directory is removed', () => execDirectories(id).length === 0)
    assert.equal(output('box', 'cat', '/tmp/done'), 'done')
    assert(eventsOf(id).includes('exec_die 3'))
    assert.equal(exec('-d', 'box', 'no-such').status, 127)
  })

  it('tells of its beginning and its end in docker’s events', () => {
    const id = startBox()
    exec('box', 'sh', '-c', 'exit 5')
    assert.deepEqual(eventsOf(id), ['exec_create: sh -c exit 5', 'exec_start: sh -c exit 5', 'exec_die 5'])
  })

  it('changes nothing in the container, not even for a terminal', () => {
    startBox()
    const mounts = () => output('box', 'cat', '/proc/1/mountinfo')
    const before = mounts()
    assert.match(output('-t', 'box', 'tty'), /\/dev\/pts\/0/)
    assert.equal(mounts(), before)
  })

  it('says in docker’s words what it cannot do', () => {
    startBox()
    assert.match(coracle.run(['exec', '-it', 'box', 'sh']).stderr, /the input device is not a TTY/)
    coracle.output('pause', 'box')
    const paused = exec('box', 'true')
    assert.equal(paused.status, 1)
    assert(paused.stderr.includes('Container box is paused, unpause the container before exec'))
    coracle.output('unpause', 'box')
    coracle.output('stop', '-t', '0', 'box')
    const stopped = exec('box', 'true')
    assert.equal(stopped.status, 1)
    assert.match(stopped.stderr, /is not running/)
    assert.match(exec('nothing', 'true').stderr, /No such container: nothing/)
  })

  it('runs twenty at once', async () => {
    const id = startBox()
    const children = Array.from({ length: 20 }, (_, index) =>
      coracle.start(['exec', 'box', 'sh', '-c', `sleep 0.2; exit ${index + 1}`]),
    )
    const statuses = await Promise.all(children.map(async (child) => (await once(child, 'close'))[0] as number))
    assert.deepEqual(
      statuses,
      children.map((_, index) => index + 1),
    )
    assert.deepEqual(execDirectories(id), [])
  })

  describe('when something dies', () => {
    it('goes on when its command is killed, and is cleaned up after at its end', async () => {
      const id = startBox()
      const script = 'until test -e /go; do sleep 0.05; done; exit 9'
      const child = coracle.start(['exec', 'box', 'sh', '-c', script])
      await eventually('it runs', () => processes('sh', '-c', script).length === 1)
      child.kill('SIGKILL')
      await once(child, 'close')
      assert.equal(processes('sh', '-c', script).length, 1)
      output('box', 'touch', '/go')
      await eventually('its directory is removed', () => execDirectories(id).length === 0)
      await eventually('its end is known', () => eventsOf(id).includes('exec_die 9'))
    })

    it('ends with its container', async () => {
      startBox()
      const child = coracle.start(['exec', 'box', 'sh', '-c', 'echo here; exec sleep 998.5'])
      if (child.stdout) await once(child.stdout, 'data') // so it is known to run by the command as well
      coracle.output('rm', '-f', 'box')
      assert.equal((await once(child, 'close'))[0], 137)
      assert.deepEqual(processes('sleep', '998.5'), [])
    })

    it('ends with its container, though that shares the processes of the host', async () => {
      startBox('--pid', 'host')
      output('-d', 'box', 'sleep', '988.5')
      coracle.output('rm', '-f', 'box')
      await eventually('it has ended', () => processes('sleep', '988.5').length === 0)
      await eventually('nothing is left', () => coracle.leftovers().length === 0)
    })

    it('leaves nothing behind when the command is killed and then the container', async () => {
      startBox()
      const child = coracle.start(['exec', 'box', 'sleep', '997.5'])
      await eventually('it runs', () => processes('sleep', '997.5').length === 1)
      child.kill('SIGKILL')
      await once(child, 'close')
      coracle.output('rm', '-f', 'box')
      await eventually('nothing is left', () => coracle.leftovers().length === 0)
      assert.deepEqual(processes('sleep', '997.5'), [])
    })

    it('ends with its supervisor, and cleans up after it', async () => {
      const id = startBox()
      const child = coracle.start(['exec', 'box', 'sleep', '996.5'])
      await eventually('it runs', () => processes('sleep', '996.5').length === 1)
      const [directory = ''] = execDirectories(id)
      const record = readFileSync(join(coracle.directory, 'run/c', id.slice(0, 32), directory, 'pid'), 'utf8')
      process.kill(Number(/^supervisor=(\d+)$/m.exec(record)?.[1]), 'SIGKILL')
      assert.notEqual((await once(child, 'close'))[0], 0)
      await eventually('the program has ended', () => processes('sleep', '996.5').length === 0)
      assert.deepEqual(execDirectories(id), [])
    })

    it('finds its way out of a container that is being removed', async () => {
      for (let round = 0; round < 6; round++) {
        startBox()
        const children = Array.from({ length: 3 }, () => coracle.start(['exec', 'box', 'sleep', '995.5']))
        await new Promise((resolve) => setTimeout(resolve, 20 * round))
        coracle.output('rm', '-f', 'box')
        const ended = await Promise.all(children.map(async (child) => (await once(child, 'close'))[0] as number))
        assert(
          ended.every((status) => status === 1 || status === 137),
          String(ended),
        )
        await eventually('nothing is left', () => coracle.leftovers().length === 0)
        assert.deepEqual(processes('sleep', '995.5'), [])
      }
    })
  })

  describe('in a hostile container', () => {
    it('takes no user from a passwd file of the host', () => {
      const file = join(coracle.directory, 'passwd')
      writeFileSync(file, 'evil:x:1234:1234::/:/bin/sh\n')
      startBox()
      for (const target of [file, `/proc/1/root${file}`, `../../../../../../..${file}`]) {
        output('box', 'ln', '-sf', target, '/etc/passwd')
        const { status, stderr } = exec('-u', 'evil', 'box', 'id')
        assert.equal(status, 126)
        assert.match(stderr, /unable to find user evil/)
      }
    })

    it('is not led out while links and directories change places', async () => {
      const file = join(coracle.directory, 'passwd')
      writeFileSync(file, 'evil:x:1234:1234::/:/bin/sh\n')
      startBox()
      output(
        '-d',
        'box',
        'sh',
        '-c',
        `while :; do mv /etc /c; ln -s ${coracle.directory} /etc; rm /etc; mv /c /etc; done`,
      )
      for (let round = 0; round < 15; round++) assert.notEqual(exec('-u', 'evil', 'box', 'id').status, 0)
    })

    it('hangs on no pipe in the place of passwd', () => {
      startBox()
      output('box', 'sh', '-c', 'rm /etc/passwd; mknod /etc/passwd p')
      assert.equal(output('-u', '0', 'box', 'echo', 'here'), 'here')
    })
  })
})
