/**
 * Containers on networks, beside docker's: how fast one comes and goes, how fast a running one gets another network, how
 * fast bytes and names travel. Needs root.
 */
import { measure, report, reportRates, run } from './harness.ts'
import { pushNetworkTools } from './images.ts'
import { type FarMachine, responderMemory, startFarMachine, untilNoBridge } from './network-parts.ts'
import { enterOwnNetwork } from './own-network.ts'
import { invoke, openBench, type Peer, pull } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)
/** Many short ones: what else the machine does meanwhile falls on both. */
const IPERF_ROUNDS = 15
const IPERF_SECONDS = Number(process.env['BENCH_SECONDS'] ?? 1)
const LOOKUP_ROUNDS = 3
const LOOKUP_SECONDS = 5

enterOwnNetwork()
await using bench = await openBench({ networks: true })
const image = pushNetworkTools(bench)
const peers = bench.peers.filter(({ name }) => name !== 'podman')
for (const peer of peers) pull(peer, image)
// What Coracle passes on goes through docker's chains as well; so little of it that each pays for its own.
for (const way of ['-i', '-o'])
  if (peers.length > 1) run('iptables', ['-I', 'DOCKER-USER', way, 'cb-+', '-j', 'ACCEPT'])

measureRuns()
for (const peer of peers) setUp(peer)
try {
  await using far = await startFarMachine()
  measureThroughput(far)
  measureConnect()
  measureNames()
} finally {
  for (const peer of peers) invoke(peer, ['rm', '-f', 'server', 'client'])
  untilNoBridge()
}

function measureRuns(): void {
  const work = (peer: Peer) => () => void invoke(peer, ['run', '--rm', image, '/bin/true'])
  const anew = peers.slice(0, 1).map((peer) => ({ name: `${peer.name}, bridge anew`, work: work(peer) }))
  const subjects = [...peers.map((peer) => ({ name: peer.name, work: work(peer) }))]
  report(`run --rm IMAGE true, on the default bridge (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
  const slower = [...anew.map((subject) => ({ ...subject, reset: untilNoBridge })), ...subjects.slice(1)]
  report(`the same, nobody having been on the bridge for seconds (${ROUNDS} rounds)`, measure(slower, ROUNDS))
}

function setUp(peer: Peer): void {
  for (const name of ['first', 'second']) invoke(peer, ['network', 'create', name])
  const background = (name: string, ...words: string[]) =>
    invoke(peer, ['run', '-d', '--name', name, '--network', 'first', ...words])
  background('server', '-p', `${portOf(peer)}:5201`, image, '/bin/iperf3', '-s')
  background('client', image, '/bin/busybox', 'sleep', '100000')
}

function portOf(peer: Peer): number {
  return 15_201 + peers.indexOf(peer)
}

function measureThroughput(far: FarMachine): void {
  const ways: readonly (readonly [string, (peer: Peer) => string])[] = [
    [
      'container to container',
      (peer) => invoke(peer, ['exec', 'client', '/bin/iperf3', ...asking(addressOf(peer, 'server'), 5201)]),
    ],
    ['host to published port of 127.0.0.1', (peer) => run('iperf3', asking('127.0.0.1', portOf(peer)))],
    ['another machine to published port', (peer) => far.run('iperf3', asking(far.nearAddress, portOf(peer)))],
  ]
  for (const [title, iperf] of ways)
    reportRates(`${title}, TCP, Gbit/s (${IPERF_ROUNDS} rounds of ${IPERF_SECONDS} s)`, peers, {
      rounds: IPERF_ROUNDS,
      sample: (peer) => gigabits(iperf(peer)),
    })
}

function asking(address: string, port: number): string[] {
  return ['-c', address, '-p', String(port), '-t', String(IPERF_SECONDS), '-J']
}

function gigabits(text: string): number {
  const result = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } }
  return result.end.sum_received.bits_per_second / 1e9
}

function addressOf(peer: Peer, name: string): string {
  return invoke(peer, ['inspect', '--format', '{{.NetworkSettings.Networks.first.IPAddress}}', name]).trim()
}

function measureConnect(): void {
  const onSecond = (peer: Peer, verb: string) => void invoke(peer, ['network', verb, 'second', 'client'])
  for (const [verb, opposite] of [
    ['connect', 'disconnect'],
    ['disconnect', 'connect'],
  ] as const) {
    for (const peer of peers) onSecond(peer, verb)
    const subjects = peers.map((peer) => ({
      name: peer.name,
      work: () => onSecond(peer, verb),
      reset: () => onSecond(peer, opposite),
    }))
    report(`network ${verb} (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
  }
}

function measureNames(): void {
  reportRates(
    `names at 127.0.0.11, one after the other, per second (${LOOKUP_ROUNDS} rounds of ${LOOKUP_SECONDS} s)`,
    peers,
    {
      rounds: LOOKUP_ROUNDS,
      sample: (peer) => Number(invoke(peer, ['exec', 'client', '/bin/lookup', 'server', String(LOOKUP_SECONDS)])),
    },
  )
  for (const peer of peers.slice(0, 1)) {
    const pid = Number(invoke(peer, ['inspect', '--format', '{{.State.Pid}}', 'client']))
    console.log(`\nthe responder of one container, after that: ${responderMemory(pid)}`)
  }
}
