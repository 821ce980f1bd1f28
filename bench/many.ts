/** 200 containers started and removed: does the last one take as long as the first? And `run -d` beside its peers. */
import { measure, median, report } from './harness.ts'
import { pushBusybox } from './images.ts'
import { invoke, openBench, type Peer, pull } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)
const MANY = Number(process.env['BENCH_CONTAINERS'] ?? 200)
/** How many of the first are compared with as many of the last. */
const SAMPLE = 20

await using bench = await openBench()
const image = pushBusybox(bench)
for (const peer of bench.peers) pull(peer, image)
const subjects = bench.peers.map((peer) => ({
  name: peer.name,
  work: () => void start(peer, 'measured'),
  reset: () => removeIfThere(peer, 'measured'),
}))
report(`run -d --network none IMAGE sleep 1000 (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
for (const peer of bench.peers) removeIfThere(peer, 'measured')

console.log(`\n${MANY} containers, all running at once, then removed one by one: ms for each, medians of ${SAMPLE}`)
for (const peer of bench.peers) {
  const names = Array.from({ length: MANY }, (_, index) => `many-${index}`)
  const started = names.map((name) => timed(() => start(peer, name)))
  const listed = timed(() => invoke(peer, ['ps', '-q']))
  const removed = names.map((name) => timed(() => remove(peer, name)))
  console.log(
    `${peer.name.padEnd(12)}${growth('run -d', started)}${growth('rm -f', removed)}  ps of all ${listed.toFixed(0)}`,
  )
}

function growth(title: string, timesMs: readonly number[]): string {
  const [first, last] = [median(timesMs.slice(0, SAMPLE)), median(timesMs.slice(-SAMPLE))]
  return `  ${title}: first ${first.toFixed(1)}, last ${last.toFixed(1)}, ratio ${(last / first).toFixed(2)}`
}

function timed(work: () => unknown): number {
  const begun = performance.now()
  work()
  return performance.now() - begun
}

function start(peer: Peer, name: string): void {
  invoke(peer, [
    'run',
    '-d',
    '--name',
    name,
    '--network',
    'none',
    ...peer.runArgs,
    image,
    '/bin/busybox',
    'sleep',
    '1000',
  ])
}

function removeIfThere(peer: Peer, name: string): void {
  if (invoke(peer, ['ps', '-a', '-q', '--filter', `name=${name}`]).trim() !== '') remove(peer, name)
}

/** Without a grace time: docker and Coracle give none. */
function remove(peer: Peer, name: string): void {
  invoke(peer, ['rm', '-f', ...(peer.name === 'podman' ? ['-t', '0'] : []), name])
}
