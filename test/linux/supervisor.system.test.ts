import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, it } from 'mocha'
import { readExitRecord } from '../../src/linux/exit-record.ts'
import type { HostStep } from '../../src/linux/plan.ts'
import type { SuperviseOptions } from '../../src/linux/supervisor.ts'
import { connectSupervisor } from '../../src/linux/supervisor-client.ts'
import { packageRoot } from '../../src/package-root.ts'
import { isAlive, type ProcessIdentity } from '../../src/util/process-identity.ts'
import {
  bind,
  describeNative,
  eventually,
  makeScratch,
  optionsFor,
  planFor,
  readStreams,
  runPlan,
  type Scratch,
  shell,
  startContainer,
} from '../support/native.ts'

describeNative('a supervisor', (native) => {
  async function prepare(script: string, more: Partial<SuperviseOptions> = {}) {
    const scratch = await makeScratch()
    const mounts = [bind(scratch.directory, '/mnt')] // the root's own files must not be changed from outside
    const options = optionsFor(scratch, planFor(scratch, { mounts, exec: shell(script) }), {
      native: native(),
      ...more,
    })
    return { scratch, options }
  }

  /** A hook that leaves a file behind. */
  function hookOf(scratch: Scratch): { argv: string[]; env: string[]; ran: () => boolean } {
    const file = join(scratch.directory, 'hook')
    return {
      argv: ['/bin/sh', '-c', `cat state/exit > ${file}`.replace('state', `${scratch.directory}/state`)],
      env: [],
      ran: () => existsSync(file),
    }
  }

  it('keeps stdout and stderr apart, in docker’s framing', async () => {
    const { options } = await prepare('echo out; echo err >&2')
    const { stdout, stderr } = await runPlan(options)
    assert.deepEqual([stdout, stderr], ['out\n', 'err\n'])
  })

  it('leaves an exit record, no socket and no process', async () => {
    const { scratch, options } = await prepare('kill -9 $$; exit 3', {})
    const supervisor = await startContainer(options)
    await readStreams(supervisor)
    const exit = await supervisor.wait()

    assert.deepEqual(readExitRecord(options.stateDirectory), exit)
    assert.equal(exit.status, 3) // pid 1 is deaf to its own signals
    assert(exit.finishedAtNs > BigInt(Date.now() - 60_000) * 1_000_000n)
    await eventually('the supervisor ends', () => !isAlive(supervisor.supervisor))
    assert.deepEqual(readdirSync(join(scratch.directory, 'run')), ['pid'])
    assert(!readFileSync('/proc/self/mountinfo', 'utf8').includes(scratch.directory))
  })

  it('passes signals on', async () => {
    const { options } = await prepare('trap "exit 42" USR1; echo ready; while :; do sleep 0.01; done')
    const supervisor = await startContainer(options)
    await once(supervisor.stdio, 'data')
    await supervisor.signal(10)
    assert.equal((await supervisor.wait()).status, 42)
  })

  it('reports the signal that ended the program', async () => {
    const { options } = await prepare('sleep 1000')
    const supervisor = await startContainer(options)
    await supervisor.signal(9)
    const exit = await supervisor.wait()
    assert.deepEqual([exit.status, exit.signal], [137, 9])
  })

  it('answers later commands on its socket until the end', async () => {
    const { options } = await prepare('sleep 1000')
    const supervisor = await startContainer(options)
    const later = await connectSupervisor(options.runDirectory)
    assert(later)

    const waiting = later.wait()
    await later.signal(9)

    assert.deepEqual(await waiting, await supervisor.wait())
    later.close()
    await eventually('the supervisor ends', () => !isAlive(supervisor.supervisor))
    assert.equal(await connectSupervisor(options.runDirectory), undefined)
  })

  it('is not confused by requests that make no sense', async () => {
    const { options } = await prepare('sleep 1000')
    const supervisor = await startContainer(options)
    for (const nonsense of [
      'SIGNAL 0',
      'SIGNAL 99999',
      'SIGNAL',
      'RESIZE',
      'ATTACH x',
      '',
      '\0\0\n\0',
      'x'.repeat(10_000),
    ]) {
      const socket = connect(join(options.runDirectory, 'supervisor.sock'))
      socket.on('error', () => {}) // a line too long ends the connection
      socket.end(`${nonsense}\n`)
      socket.resume()
      await new Promise((resolve) => socket.once('close', resolve))
    }
    assert(isAlive(supervisor.container) && isAlive(supervisor.supervisor))
    await supervisor.signal(9)
    await supervisor.wait()
  })

  it('ends though a process outside its pid namespace still holds the output', async () => {
    const scratch = await makeScratch()
    const plan = planFor(scratch, { namespaces: ['mount'], exec: shell('sleep 1000 & echo $!; exit 4') })
    const { exit, stdout } = await runPlan(optionsFor(scratch, plan, { native: native() }))
    assert.equal(exit.status, 4)
    process.kill(Number(stdout), 'SIGKILL')
  })

  describe('control groups', () => {
    const hierarchy = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((path) => existsSync(join(path, 'cgroup.procs')))

    it('are made, joined, limited, and removed with all that is left in them', async function () {
      if (hierarchy === undefined) {
        console.log('skipped: there is no writable control group hierarchy')
        this.skip()
      }
      const path = `${hierarchy}/coracle-test-${process.pid}/inner`
      const before: HostStep[] = [
        { do: 'cgroup', path, remove: true },
        { do: 'write', path: `${path}/no.such.knob`, text: '1', optional: true },
      ]
      const scratch = await makeScratch()
      const parts = { before, after: [{ do: 'join-cgroup', path }] as const, namespaces: ['mount'] as const }
      const plan = planFor(scratch, { ...parts, exec: shell('(sleep 1000 >/dev/null 2>&1 &); cat /proc/self/cgroup') })
      const { stdout, warnings } = await runPlan(optionsFor(scratch, plan, { native: native() }))

      assert(stdout.includes(`coracle-test-${process.pid}/inner`))
      assert.match(warnings.join(), /no\.such\.knob/)
      assert(!existsSync(path), 'the process left behind was killed and its group removed')
      rmSync(`${hierarchy}/coracle-test-${process.pid}`, { recursive: true, force: true })
    })

    it('go when the launch fails', async function () {
      if (hierarchy === undefined) this.skip()
      const path = `${hierarchy}/coracle-test-${process.pid}-failed`
      const scratch = await makeScratch()
      const plan = planFor(scratch, {
        before: [{ do: 'cgroup', path, remove: true }],
        after: [{ do: 'join-cgroup', path }],
        exec: { do: 'exec', file: 'no-such', argv: ['no-such'], env: [] },
      })
      await assert.rejects(runPlan(optionsFor(scratch, plan, { native: native() })), { exitCode: 127 })
      assert(!existsSync(path))
    })
  })

  describe('the exit hook', () => {
    it('does not run while the command that started the container lives', async () => {
      const { scratch, options } = await prepare('exit 5')
      const hook = hookOf(scratch)
      const supervisor = await startContainer({ ...options, exitHook: hook })
      await readStreams(supervisor)
      await supervisor.wait()
      await eventually('the supervisor ends', () => !isAlive(supervisor.supervisor))
      assert(!hook.ran())
    })

    it('runs, with the exit record written, when the container was let go', async () => {
      const { scratch, options } = await prepare('read x; exit 5', { openStdin: true, stdinOnce: true })
      const hook = hookOf(scratch)
      const supervisor = await startContainer({ ...options, exitHook: hook })
      supervisor.release()
      await eventually('the hook runs', () => hook.ran() && !isAlive(supervisor.supervisor))
      assert.match(readFileSync(join(scratch.directory, 'hook'), 'utf8'), /^status=5$/m)
    })
  })

  describe('when the command is killed with -9', () => {
    async function startCommand(options: SuperviseOptions): Promise<ChildProcess> {
      const file = join(options.stateDirectory, 'options.json')
      writeFileSync(file, JSON.stringify(options))
      const program = join(packageRoot, 'test/support/cli-child.ts')
      return spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    }

    it('goes on, and runs the hook at the end', async () => {
      const { scratch, options } = await prepare('while ! test -e /mnt/stop; do echo line; sleep 0.01; done; exit 6')
      const hook = hookOf(scratch)
      const command = await startCommand({ ...options, exitHook: hook })
      assert(command.stdout)
      const [line] = (await once(command.stdout, 'data')) as [Buffer]
      const { supervisor, container } = JSON.parse(line.toString()) as Record<string, ProcessIdentity>
      assert(supervisor && container)

      command.kill('SIGKILL')
      await once(command, 'exit')
      assert(isAlive(container))
      writeFileSync(join(scratch.directory, 'stop'), '')

      await eventually('the hook runs', () => hook.ran() && !isAlive(supervisor))
      assert.equal(readExitRecord(options.stateDirectory)?.status, 6)
      assert(!isAlive(container))
    })

    it('ends the container with it where the two are tied, and runs the hook', async () => {
      const { scratch, options } = await prepare('echo line; sleep 300')
      const hook = hookOf(scratch)
      const command = await startCommand({ ...options, exitHook: hook, tied: true })
      assert(command.stdout)
      const [line] = (await once(command.stdout, 'data')) as [Buffer]
      const { supervisor, container } = JSON.parse(line.toString()) as Record<string, ProcessIdentity>
      assert(supervisor && container)

      command.kill('SIGKILL')
      await once(command, 'exit')

      await eventually('the hook runs', () => hook.ran() && !isAlive(supervisor))
      assert.equal(readExitRecord(options.stateDirectory)?.signal, 9)
      assert(!isAlive(container))
    })

    it('leaves nothing, whatever the moment', async () => {
      for (let moment = 0; moment < 12; moment++) {
        const { scratch, options } = await prepare('sleep 0.02; exit 6')
        const hook = hookOf(scratch)
        const command = await startCommand({ ...options, exitHook: hook })
        // From before the spawn to after the end, in steps of a read of /proc each.
        await eventually('the supervisor appears', () => command.exitCode !== null || supervisorsOf(scratch).length > 0)
        for (let turn = 0; turn < moment * 3; turn++) await new Promise((resolve) => setImmediate(resolve))
        command.kill('SIGKILL')

        await eventually('all processes end', () => supervisorsOf(scratch).length === 0)
        const record = readExitRecord(options.stateDirectory)
        assert(record === undefined || record.error !== undefined || record.status === 6, inspect(record))
        assert.deepEqual(
          readdirSync(options.runDirectory).filter((name) => name.endsWith('.sock')),
          [],
        )
      }
    })
  })

  it('leaves a record of why nothing ran', async () => {
    const scratch = await makeScratch()
    const missing = { do: 'exec', file: 'no-such', argv: ['no-such'], env: [] } as const
    const options = optionsFor(scratch, planFor(scratch, { exec: missing }), { native: native() })
    await assert.rejects(runPlan(options))
    const record = readExitRecord(options.stateDirectory)
    assert.equal(record?.status, 127)
    assert.match(record.error ?? '', /no-such/)
  })
})

/** Processes whose command line names the run directory: the supervisor, and its child before exec. */
function supervisorsOf({ directory }: Scratch): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`supervise\0${directory}`)
    } catch {
      return false // it has just ended
    }
  })
}
