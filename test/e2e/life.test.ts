import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

/** Ends at once when asked to, and says so. */
const OBEDIENT = ['sh', '-c', 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done']

describe('the life of a container, by the command line', () => {
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  afterEach(() => {
    const ids = coracle.output('ps', '-aq').split('\n').filter(Boolean)
    if (ids.length > 0) coracle.output('rm', '-f', ...ids)
    assert.deepEqual(coracle.leftovers(), [])
  })
  after(() => coracle?.close())

  const stateOf = (name: string) =>
    coracle
      .output('ps', '-a')
      .split('\n')
      .find((line) => line.endsWith(` ${name}`)) ?? ''

  const upAndReady = (name: string) => until(`${name} is up`, () => coracle.run(['logs', name]).stdout.includes('up\n'))

  describe('create and start', () => {
    it('make a container first, and run it later, as often as wanted', () => {
      const id = coracle.output('create', '--name', 'made', IMAGE, 'sh', '-c', 'echo run >> /log; cat /log; exit 3')
      assert.match(id, /^[0-9a-f]{64}$/)
      assert.match(stateOf('made'), / Created /)

      assert.deepEqual(coracle.run(['start', '-a', 'made']), { status: 3, stdout: 'run\n', stderr: '' })
      assert.deepEqual(coracle.run(['start', '-a', 'made']), { status: 3, stdout: 'run\nrun\n', stderr: '' })
      assert.match(stateOf('made'), /Exited \(3\)/)
    })

    it('take several names, ids and prefixes, and go on after one that is not there', () => {
      const one = coracle.output('create', '--name', 'one', IMAGE, 'sleep', '100')
      const two = coracle.output('create', '--name', 'two', IMAGE, 'sleep', '100')

      const { status, stdout, stderr } = coracle.run(['start', 'one', 'missing', two.slice(0, 10)])

      assert.equal(status, 1)
      assert.equal(stdout, `one\n${two.slice(0, 10)}\n`)
      assert.match(stderr, /No such container: missing/)
      assert.deepEqual(new Set(coracle.output('ps', '-q', '--no-trunc').split('\n')), new Set([one, two]))
    })

    it('pass input on with -ai', () => {
      coracle.output('create', '-i', '--name', 'reader', IMAGE, 'cat')
      const { stdout } = coracle.run(['start', '-ai', 'reader'], { input: 'some input' })
      assert.equal(stdout, 'some input')
    })

    it('do nothing to one that runs', () => {
      coracle.output('run', '-d', '--name', 'busy', IMAGE, 'sleep', '100')
      assert.equal(coracle.output('start', 'busy'), 'busy')
    })

    it('say why a start failed, and leave a container that can be tried again', () => {
      coracle.output('create', '--name', 'broken', IMAGE, 'no-such-program')
      const { status, stderr } = coracle.run(['start', 'broken'])
      assert.equal(status, 127)
      assert.match(stderr, /no-such-program/)
      assert.match(stateOf('broken'), / Created /)
    })
  })

  describe('stop', () => {
    it('asks first', async () => {
      coracle.output('run', '-d', '--name', 'obedient', IMAGE, ...OBEDIENT)
      await upAndReady('obedient')

      assert.equal(coracle.output('stop', 'obedient'), 'obedient')

      assert.match(stateOf('obedient'), /Exited \(7\)/)
      assert.equal(coracle.output('logs', 'obedient'), 'up\nbye')
    })

    it('kills what does not obey in time', () => {
      coracle.output('run', '-d', '--name', 'deaf', IMAGE, 'sleep', '1000') // process 1 ignores what it does not handle
      coracle.output('stop', '-t', '0', 'deaf')
      assert.match(stateOf('deaf'), /Exited \(137\)/)
    })

    it('uses the signal and the time of the container, or of the flags', async () => {
      const script = 'trap "exit 8" USR1; trap "exit 9" USR2; echo up; while :; do sleep 0.05; done'
      const flags = ['-d', '--stop-signal', 'USR1', '--stop-timeout', '60']
      coracle.output('run', ...flags, '--name', 'own', IMAGE, 'sh', '-c', script)
      coracle.output('run', ...flags, '--name', 'other', IMAGE, 'sh', '-c', script)
      await upAndReady('own')
      await upAndReady('other')

      coracle.output('stop', 'own')
      coracle.output('stop', '-s', 'SIGUSR2', 'other')

      assert.match(stateOf('own'), /Exited \(8\)/)
      assert.match(stateOf('other'), /Exited \(9\)/)
    })

    it('is no error for what does not run, and removes what --rm says', () => {
      coracle.output('create', '--name', 'idle', IMAGE, 'true')
      assert.equal(coracle.output('stop', 'idle'), 'idle')
      coracle.output('run', '-d', '--rm', '--name', 'passing', IMAGE, 'sleep', '100')
      coracle.output('stop', '-t', '0', 'passing')
      assert.equal(stateOf('passing'), '')
    })

    it('ends a paused container', async () => {
      coracle.output('run', '-d', '--name', 'frozen', IMAGE, ...OBEDIENT)
      await upAndReady('frozen')
      coracle.output('pause', 'frozen')
      coracle.output('stop', 'frozen')
      assert.match(stateOf('frozen'), /Exited \(7\)/)
    })

    it('leaves a container running that it was killed over', async () => {
      coracle.output('run', '-d', '--name', 'unbroken', IMAGE, 'sleep', '1000')
      const stopping = coracle.start(['stop', '-t', '100', 'unbroken'])
      await until('it is being stopped', () =>
        coracle.output('events', '--since', '1m', '--until', '0s').includes(' kill '),
      )
      stopping.kill('SIGKILL')
      await once(stopping, 'exit')
      assert.match(stateOf('unbroken'), / Up /)
    })
  })

  it('pauses and goes on', () => {
    coracle.output('run', '-d', '--name', 'ticking', IMAGE, 'sleep', '1000')
    assert.equal(coracle.output('pause', 'ticking'), 'ticking')
    assert.match(stateOf('ticking'), /\(Paused\)/)
    assert.match(coracle.run(['pause', 'ticking']).stderr, /already paused/)
    assert.match(coracle.run(['start', 'ticking']).stderr, /try unpause instead/)
    assert.equal(coracle.output('unpause', 'ticking'), 'ticking')
    assert.doesNotMatch(stateOf('ticking'), /Paused/)
    assert.match(coracle.run(['unpause', 'ticking']).stderr, /is not paused/)
  })

  it('is killed by any signal, SIGKILL when none is named, also while paused', async () => {
    coracle.output('run', '-d', '--name', 'victim', IMAGE, ...OBEDIENT)
    await upAndReady('victim')
    coracle.output('kill', '-s', 'TERM', 'victim')
    assert.equal(coracle.output('wait', 'victim'), '7')
    coracle.output('start', 'victim')
    coracle.output('pause', 'victim')
    coracle.output('kill', 'victim')
    assert.match(stateOf('victim'), /Exited \(137\)/)
    assert.match(coracle.run(['kill', 'victim']).stderr, /is not running/)
    assert.match(coracle.run(['kill', '-s', 'NONSENSE', 'victim']).stderr, /Invalid signal: NONSENSE/)
  })

  it('restarts in one command, also what does not run', () => {
    coracle.output('run', '-d', '--name', 'again', IMAGE, 'sh', '-c', 'echo up; sleep 1000')
    coracle.output('restart', '-t', '0', 'again')
    coracle.output('stop', '-t', '0', 'again')
    assert.equal(coracle.output('restart', 'again'), 'again')
    assert.match(stateOf('again'), / Up /)
  })

  it('keeps a --rm container over a restart', () => {
    coracle.output('run', '-d', '--rm', '--name', 'kept', IMAGE, 'sleep', '1000')
    coracle.output('restart', '-t', '0', 'kept')
    assert.match(stateOf('kept'), / Up /)
  })

  describe('wait', () => {
    it('tells the exit status, asked before the end or after it', async () => {
      coracle.output('run', '-d', '--name', 'job', IMAGE, 'sh', '-c', 'sleep 0.4; exit 9')
      assert.equal(coracle.output('wait', 'job'), '9')
      assert.equal(coracle.output('wait', 'job', 'job'), '9\n9')
    })

    it('tells it of a container that goes away at its end', () => {
      coracle.output('run', '-d', '--rm', '--name', 'brief', IMAGE, 'sh', '-c', 'sleep 0.4; exit 5')
      assert.equal(coracle.output('wait', 'brief'), '5')
    })

    it('never takes an end that nobody saw for a success', async () => {
      coracle.output('run', '-d', '--name', 'lost', IMAGE, 'sleep', '1000')
      const pid = coracle.output('inspect', '-f', '{{.State.Pid}}', 'lost')
      const supervisor = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      process.kill(Number(supervisor), 'SIGKILL')
      assert.equal(coracle.output('wait', 'lost'), '-1')
      assert.match(stateOf('lost'), /Exited \(-1\)/)
    })
  })

  describe('--restart', () => {
    it('brings a failing container back as often as it says', async () => {
      coracle.output('run', '-d', '--restart', 'on-failure:2', '--name', 'flaky', IMAGE, 'sh', '-c', 'echo up; exit 4')
      await until(
        'it gives up',
        () => /Exited \(4\)/.test(stateOf('flaky')) && coracle.output('logs', 'flaky') === 'up\nup\nup',
      )
      assert.equal(coracle.output('inspect', '-f', '{{.RestartCount}}', 'flaky'), '2')
    })

    it('brings back a container whose supervisor was killed, and not one that was stopped', async () => {
      coracle.output('run', '-d', '--restart', 'always', '--name', 'immortal', IMAGE, 'sleep', '1000')
      const first = coracle.output('inspect', '-f', '{{.State.Pid}}', 'immortal')
      process.kill(Number(first), 'SIGKILL')
      await until('it is back', () => {
        const pid = coracle.output('inspect', '-f', '{{.State.Pid}}', 'immortal')
        return / Up /.test(stateOf('immortal')) && pid !== '0' && pid !== first
      })
      coracle.output('stop', '-t', '0', 'immortal')
      await sleep(300)
      assert.match(stateOf('immortal'), /Exited/)
    })

    it('waits between two starts, and is stopped or removed while it does', async () => {
      for (const end of [
        ['stop', 'restless'],
        ['rm', '-f', 'restless'],
      ]) {
        coracle.run(['run', '-d', '--restart', 'always', '--name', 'restless', IMAGE, 'false'])
        await until('it waits', () => /Restarting \(1\)/.test(stateOf('restless')))
        coracle.output(...end)
        assert.doesNotMatch(stateOf('restless'), /Restarting|Up/)
        coracle.run(['rm', 'restless'])
      }
    })

    it('does not go with --rm', () => {
      const { status, stderr } = coracle.run(['run', '--rm', '--restart', 'always', IMAGE, 'true'])
      assert.equal(status, 125)
      assert.match(stderr, /cannot specify both --restart and --rm/)
    })
  })

  describe('rename and update', () => {
    it('give another name, once', () => {
      coracle.output('create', '--name', 'before', IMAGE, 'true')
      coracle.output('create', '--name', 'taken', IMAGE, 'true')
      coracle.output('rename', 'before', 'after')
      assert.equal(stateOf('before'), '')
      assert.match(stateOf('after'), /Created/)
      assert.match(coracle.run(['rename', 'after', 'taken']).stderr, /already in use/)
      assert.match(coracle.run(['rename', 'after', 'a b']).stderr, /Invalid container name/)
      assert.match(coracle.run(['rename', 'after', 'after']).stderr, /same name/)
    })

    it('change limits while it runs, and for later', () => {
      coracle.output('run', '-d', '--name', 'bounded', '-m', '64m', IMAGE, 'sleep', '1000')
      coracle.output('update', '-m', '128m', '--memory-swap', '128m', '--cpu-shares', '512', 'bounded')
      const limits = '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.CpuShares}}'
      assert.equal(coracle.output('inspect', '-f', limits, 'bounded'), '134217728 134217728 512')
      assert.match(coracle.output('stats', '--no-stream', '--format', '{{.MemUsage}}', 'bounded'), / \/ 128MiB$/)
    })

    it('change the restart policy', () => {
      coracle.output('create', '--name', 'lazy', IMAGE, 'true')
      coracle.output('update', '--restart', 'on-failure:3', 'lazy')
      const policy = '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}'
      assert.equal(coracle.output('inspect', '-f', policy, 'lazy'), 'on-failure 3')
      assert.match(coracle.run(['update', 'lazy']).stderr, /one or more flags/)
    })
  })

  describe('rm and prune', () => {
    it('need force for what runs, is paused or waits to be restarted', () => {
      coracle.output('run', '-d', '--name', 'alive', IMAGE, 'sleep', '1000')
      assert.match(coracle.run(['rm', 'alive']).stderr, /container is running/)
      coracle.output('pause', 'alive')
      assert.match(coracle.run(['rm', 'alive']).stderr, /container is paused/)
      assert.equal(coracle.output('rm', '-f', 'alive'), 'alive')
      assert.deepEqual(coracle.run(['rm', '-f', 'alive']), {
        status: 0,
        stdout: '',
        stderr: 'coracle: No such container: alive\n',
      })
      assert.equal(coracle.run(['rm', 'alive']).status, 1)
    })

    it('remove all that have stopped, and only those', () => {
      coracle.output('run', '-d', '--name', 'running', IMAGE, 'sleep', '1000')
      const dead = [coracle.output('create', IMAGE, 'true'), coracle.output('create', '--label', 'keep', IMAGE, 'true')]
      const first = coracle.output('container', 'prune', '-f', '--filter', 'label!=keep')
      assert.equal(first, `Deleted Containers:\n${dead[0]}\n\nTotal reclaimed space: 0B`)
      coracle.output('container', 'prune', '-f')
      assert.match(coracle.output('ps', '-a'), /running$/)
      assert.equal(coracle.output('ps', '-aq').split('\n').length, 1)
    })

    it('name every candidate of an ambiguous prefix', () => {
      const ids = Array.from({ length: 17 }, () => coracle.output('create', IMAGE, 'true'))
      const prefixes = ids.map(([first = '']) => first)
      const twice = prefixes.find((prefix, index) => prefixes.indexOf(prefix) !== index) ?? ''
      const { status, stderr } = coracle.run(['start', twice])
      assert.equal(status, 1)
      for (const id of ids.filter((id) => id.startsWith(twice))) assert(stderr.includes(id.slice(0, 12)))
    })
  })

  it('is what scripts of docker expect: stop and remove all', () => {
    coracle.output('run', '-d', IMAGE, 'sleep', '1000')
    coracle.output('run', '-d', IMAGE, 'sleep', '1000')
    const all = coracle.output('ps', '-aq').split('\n')
    assert.equal(coracle.output('stop', '-t', '0', ...all), all.join('\n'))
    assert.equal(coracle.output('rm', ...all), all.join('\n'))
    assert.equal(coracle.output('ps', '-aq'), '')
  })
})
