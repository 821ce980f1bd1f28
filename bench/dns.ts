/**
 * How many names a container's responder answers in a second, by UDP, with questions on their way all the time. Needs root. The
 * asker is a Node process in the container's network; the echo on loopback says how much of the time is its own.
 */
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSupervisor } from '../src/linux/supervisor.ts'
import { writeNetworkNames, writeResolverConfig } from '../src/network/names/files.ts'
import { chooseResolverPort, resolverRules } from '../src/network/names/rules.ts'
import { measure, report } from './harness.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const QUESTIONS = Number(process.env['BENCH_QUESTIONS'] ?? 20_000)
const WINDOW = 32
const NAMES = 1000

const [, , host = '', port = '', name = ''] = process.argv
await (host === '' ? compare() : ask(host, Number(port), name))

async function compare(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-bench-dns-'))
  const path = (part: string) => join(directory, part)
  for (const part of ['run', 'state', 'names']) mkdirSync(path(part), { mode: 0o711 })
  const containers = Array.from({ length: NAMES }, (_, i) => ({ ipv4: `10.9.${i >> 8}.${i & 255}`, names: [`c${i}`] }))
  writeNetworkNames(path('names'), 'few', [{ ipv4: '10.8.0.1', names: ['web'] }])
  writeNetworkNames(path('names'), 'many', containers)
  writeResolverConfig(path('resolver'), { networks: ['few', 'many'], upstreams: [], internal: true })
  const container = await startContainer(path)
  const subject = (title: string, ...words: readonly string[]) => ({
    name: title,
    work: () => inside(container.container.pid, words),
  })
  const measurements = measure(
    [
      subject('a name among two', '127.0.0.11', '53', 'web'),
      subject(`the last of ${NAMES}`, '127.0.0.11', '53', `c${NAMES - 1}`),
      subject('one that is not there', '127.0.0.11', '53', 'nobody'),
      subject('an echo in the asker', 'echo'),
    ],
    ROUNDS,
  )
  report(`${QUESTIONS} lookups (${ROUNDS} rounds)`, measurements)
  for (const { name: title, medianMs } of measurements)
    console.log(`${title.padEnd(24)}${Math.round(QUESTIONS / (medianMs / 1000))} a second`)
  await container.signal(9)
  await container.wait()
  container.release()
  rmSync(directory, { recursive: true, force: true })
}

function startContainer(path: (part: string) => string) {
  const at = chooseResolverPort()
  const resolver = {
    do: 'resolver',
    directory: path('resolver'),
    port: at,
    names: path('names'),
    filter: false,
  } as const
  return startSupervisor({
    plan: {
      namespaces: ['network'],
      before: [],
      after: [{ do: 'net-rules', nft: '/usr/sbin/nft', text: resolverRules(at) }, resolver],
      child: [
        { do: 'session', terminal: false },
        { do: 'exec', file: '/bin/sleep', argv: ['sleep', '600'], env: [] },
      ],
    },
    runDirectory: path('run'),
    stateDirectory: path('state'),
    openStdin: false,
    stdinOnce: false,
  })
}

function inside(pid: number, words: readonly string[]): void {
  const { status, stderr } = spawnSync('nsenter', [
    '-t',
    String(pid),
    '-n',
    process.execPath,
    import.meta.filename,
    ...words,
  ])
  if (status !== 0) throw new Error(`the asker exited with ${status}: ${stderr.toString().slice(-1000)}`)
}

/** So many questions, of which some are always on their way. Fails when one gets no answer within a second. */
async function ask(server: string, serverPort: number, asked: string): Promise<void> {
  const socket = createSocket('udp4')
  const { address, at } = server === 'echo' ? await startEcho() : { address: server, at: serverPort }
  socket.connect(at, address)
  await once(socket, 'connect')
  const labels = asked.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]))
  const packet = Buffer.concat([Buffer.from('123401000001000000000000', 'hex'), ...labels, Buffer.of(0, 0, 1, 0, 1)])
  let sent = 0
  let answered = 0
  let before = -1
  const watchdog = setInterval(() => {
    if (answered === before) throw new Error('an answer was lost')
    before = answered
  }, 1000)
  await new Promise<void>((resolve) => {
    socket.on('message', () => {
      answered++
      if (answered === QUESTIONS) resolve()
      if (sent++ < QUESTIONS) socket.send(packet)
    })
    for (; sent < WINDOW; sent++) socket.send(packet)
  })
  clearInterval(watchdog)
  process.exit(0)
}

async function startEcho(): Promise<{ address: string; at: number }> {
  const echo = createSocket('udp4')
  echo.on('message', (packet: Buffer, from) => echo.send(packet, from.port, from.address))
  echo.bind(0, '127.0.0.1')
  await once(echo, 'listening')
  return { address: '127.0.0.1', at: echo.address().port }
}
