import assert from 'node:assert/strict'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { it } from 'mocha'
import type { HostStep } from '../../src/linux/plan.ts'
import { isAlive, readProcessIdentity } from '../../src/util/process-identity.ts'
import {
  describeNative,
  eventually,
  makeScratch,
  optionsFor,
  planFor,
  type Scratch,
  shell,
  startContainer,
} from '../support/native.ts'

type Helper = Extract<HostStep, { do: 'network-helper' }>

describeNative('a network helper', (native) => {
  async function prepare(script: string, more: Partial<Helper> = {}) {
    const scratch = await makeScratch()
    const step: Helper = {
      do: 'network-helper',
      program: '/bin/sh',
      argv: ['sh', '-c', script, 'sh', '{pid}', join(scratch.directory, 'found')],
      ready: 1,
      directory: join(scratch.directory, 'run'),
      socket: '',
      requests: [],
      ...more,
    }
    const plan = planFor(scratch, { after: [step], exec: shell('sleep 300') })
    return { scratch, options: optionsFor(scratch, plan, { native: native() }) }
  }

  const found = ({ directory }: Scratch) => readFileSync(join(directory, 'found'), 'utf8').trim()

  /** Of the program, as the supervisor has noted it. */
  function recorded({ directory }: Scratch) {
    const text = readFileSync(join(directory, 'run/network-helper'), 'utf8')
    const field = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(text)?.[1])
    return { pid: field('helper'), startTime: field('helperStart') }
  }

  it('is told the pid, gets the network, and is ready before the container runs', async () => {
    const script = 'echo "$1 $(readlink /proc/self/fd/0)" > "$2"; ls /proc/self/fd > "$2.open"; echo; exec sleep 300'
    const { scratch, options } = await prepare(script)
    const { container } = await startContainer(options)
    assert.equal(found(scratch), `${container.pid} ${readlinkSync(`/proc/${container.pid}/ns/net`)}`)
    // Nothing of the supervisor's; the last one is that of ls itself.
    assert.deepEqual(readFileSync(join(scratch.directory, 'found.open'), 'utf8').trim().split('\n'), [
      '0',
      '1',
      '2',
      '3',
    ])
    assert.ok(isAlive(recorded(scratch)))
  })

  it('ends before the end of the container is told', async () => {
    const { scratch, options } = await prepare('echo; trap "" TERM; while :; do sleep 1; done')
    const supervisor = await startContainer(options)
    const program = recorded(scratch)
    await supervisor.signal(9)
    await supervisor.wait()
    assert.ok(!isAlive(program))
  })

  it('ends when the supervisor is killed, also one that a change of its user has freed of it', async () => {
    const free = 'echo; exec unshare --user --map-root-user sleep 300'
    const { scratch, options } = await prepare(free)
    const { supervisor } = await startContainer(options)
    const program = recorded(scratch)
    assert.ok(isAlive(program))
    process.kill(supervisor.pid, 'SIGKILL')
    await eventually('the program ends', () => !isAlive(program))
  })

  it('that fails says why, in its own words, and nothing of the container is left', async () => {
    const words = 'echo "WARNING: chatter" >&2; echo "the reason, in full" >&2; echo usage >&2; exit 1'
    const { scratch, options } = await prepare(words)
    await assert.rejects(startContainer(options), /start \/bin\/sh: the reason, in full$/)
    const { pid } = recorded(scratch)
    assert.equal(readProcessIdentity(pid), undefined)
    const missing = await prepare('', { program: '/no/such/program' })
    await assert.rejects(startContainer(missing.options), /No such file or directory/)
    assert.ok(!existsSync(join(scratch.directory, 'run/supervisor.sock')))
  })

  it('may write as much as it likes to stderr without being stopped by it', async () => {
    const script =
      'echo >&3; i=0; while [ $i -lt 3000 ]; do printf "%0100d\\n" 0 >&2; i=$((i+1)); done; echo done > "$2"; exec sleep 300'
    const { scratch, options } = await prepare(script, { ready: 3 })
    await startContainer(options)
    await eventually('it has written more than a pipe holds', () => existsSync(join(scratch.directory, 'found')))
  })

  it('is asked over its socket, and its refusal refuses the start', async () => {
    const answers = ['{"return":{"id":1}}', '{"error":{"desc":"no"}}']
    const asked: string[] = []
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      socket.on('data', (request) => {
        asked.push(request.toString())
        socket.end(answers[asked.length - 1] ?? '')
      }),
    )
    const socket = join((await makeScratch()).directory, 's')
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    try {
      const requests = [['0.0.0.0:80', 'first'] as const, ['127.0.0.1:81', 'second'] as const]
      const { options } = await prepare('echo; exec sleep 300', { socket, requests })
      await assert.rejects(startContainer(options), /Bind for 127\.0\.0\.1:81 failed: the host refuses that port/)
      assert.deepEqual(asked, ['first', 'second'])
    } finally {
      server.close()
    }
  })
})
