/** `run --rm --network none IMAGE true`: how long until a container has come and gone. */

import { measure, report, run } from './harness.ts'
import { pushBusybox } from './images.ts'
import { commandLine, openBench, type Peer } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)

await using bench = await openBench()
const image = pushBusybox(bench)
for (const peer of bench.peers) run(...withEnv(peer, pullArgs(peer, image)))
const subjects = bench.peers.map((peer) => ({
  name: peer.name,
  work: () => void run(...withEnv(peer, ['run', '--rm', '--network', 'none', ...peer.runArgs, image, '/bin/true'])),
}))
report(`run --rm --network none IMAGE true (${ROUNDS} rounds)`, measure(subjects, ROUNDS))

function pullArgs(peer: Peer, name: string): string[] {
  return peer.name === 'podman' ? ['pull', '--tls-verify=false', name] : ['pull', name]
}

function withEnv(peer: Peer, args: readonly string[]): [string, string[], NodeJS.ProcessEnv] {
  return [...commandLine(peer, args), peer.env]
}
