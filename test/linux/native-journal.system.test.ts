import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { before, describe, it } from 'mocha'
import { startSupervisor } from '../../src/linux/supervisor.ts'
import { needsRoot } from '../support/needs-root.ts'
import { scratchDirectory } from '../support/scratch.ts'

/** Receives datagrams, which Node cannot: appends each, framed by its length in hexadecimal digits, to a file. */
const RECEIVER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('ready', flush=True)
with open(sys.argv[2], 'wb', 0) as output:
    while True:
        entry = receiver.recv(65536)
        output.write(b'%08x' % len(entry) + entry)
`

describe('a log in the journal', () => {
  before(function () {
    needsRoot(this)
  })

  it('gets an entry for each line, with fields and priorities, whatever bytes it holds', async () => {
    const directory = await scratchDirectory()
    const [socket, received] = [join(directory, 'journal'), join(directory, 'received')]
    const receiver = spawn('python3', ['-c', RECEIVER, socket, received], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => receiver.stdout.once('data', resolve))
    try {
      const script = 'printf "one\\ntwo \\377\\n"; printf "wrong\\n" >&2; printf "no end"'
      const { status, entries } = await run(directory, { socket, received, script, expected: 4 })
      assert.equal(status, 0)
      const of = (priority: number, message: string, partial = '') => {
        const bytes = Buffer.from(message, 'latin1')
        const length = Buffer.alloc(8)
        length.writeBigUInt64LE(BigInt(bytes.length))
        const fields = `CONTAINER_NAME=web\nIMAGE_NAME=app 1\n${partial}PRIORITY=${priority}\nMESSAGE\n`
        return Buffer.concat([Buffer.from(fields), length, bytes, Buffer.from('\n')]).toString('latin1')
      }
      assert.deepEqual(
        entries.toSorted(),
        [
          of(6, 'one'),
          of(6, 'two \xff'),
          of(3, 'wrong'),
          of(6, 'no end', 'CONTAINER_PARTIAL_MESSAGE=true\n'),
        ].toSorted(),
      )
    } finally {
      receiver.kill()
    }
  })

  it('that is not there keeps a container from starting, with the reason', async () => {
    const directory = await scratchDirectory()
    await assert.rejects(
      run(directory, { socket: join(directory, 'nothing'), received: '', script: 'true', expected: 0 }),
      /connect .*nothing: No such file or directory/,
    )
  })

  it('that nobody reads is waited for once, not for every line', async () => {
    const directory = await scratchDirectory()
    const socket = join(directory, 'journal')
    const deaf = `${RECEIVER.slice(0, RECEIVER.indexOf('with open'))}sys.stdin.read()`
    const receiver = spawn('python3', ['-c', deaf, socket], { stdio: ['pipe', 'pipe', 'inherit'] })
    await new Promise((resolve) => receiver.stdout.once('data', resolve))
    try {
      const script = 'n=0; while [ $n -lt 2000 ]; do n=$((n+1)); echo $n; done; exit 5'
      const { status } = await run(directory, { socket, received: '', script, expected: 0 })
      assert.equal(status, 5)
    } finally {
      receiver.kill()
    }
  })

  it('that goes away costs lines, not the container', async () => {
    const directory = await scratchDirectory()
    const [socket, received] = [join(directory, 'journal'), join(directory, 'received')]
    const receiver = spawn('python3', ['-c', RECEIVER, socket, received], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => receiver.stdout.once('data', resolve))
    const script = `while [ -e ${socket} ]; do sleep 0.02; done; echo unheard; exit 5`
    setTimeout(() => {
      receiver.kill('SIGKILL')
      rmSync(socket)
    }, 100)
    const { status } = await run(directory, { socket, received, script, expected: 0 })
    assert.equal(status, 5)
  })
})

interface Running {
  readonly socket: string
  readonly received: string
  readonly script: string
  readonly expected: number
}

async function run(directory: string, { socket, received, script, expected }: Running) {
  const supervisor = await startSupervisor({
    plan: {
      namespaces: [],
      before: [],
      after: [],
      child: [
        { do: 'session', terminal: false },
        { do: 'exec', file: '/bin/sh', argv: ['/bin/sh', '-c', script], env: ['PATH=/bin:/usr/bin'] },
      ],
    },
    runDirectory: directory,
    stateDirectory: directory,
    openStdin: false,
    stdinOnce: false,
    journal: { socket, fields: ['CONTAINER_NAME=web', 'IMAGE_NAME=app\n1'] },
  })
  supervisor.stdio.resume()
  const { status } = await supervisor.wait()
  supervisor.release()
  return { status, entries: await entriesOf(received, expected) }
}

async function entriesOf(path: string, expected: number): Promise<string[]> {
  for (let attempt = 0; ; attempt += 1) {
    const text = existsSync(path) ? readFileSync(path, 'latin1') : ''
    const entries: string[] = []
    for (let at = 0; at < text.length; ) {
      const length = Number.parseInt(text.slice(at, at + 8), 16)
      entries.push(text.slice(at + 8, at + 8 + length))
      at += 8 + length
    }
    if (entries.length >= expected || attempt === 200) return entries
    await sleep(10)
  }
}
