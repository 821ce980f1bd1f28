/** `exec CONTAINER true`: how long until one more process of a running container has come and gone. */

import { measure, report, run } from './harness.ts'
import { pushBusybox } from './images.ts'
import { commandLine, openBench, type Peer } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 25)
const NAME = 'bench-exec'

await using bench = await openBench()
const image = pushBusybox(bench)
const { peers } = bench
for (const peer of peers) prepare(peer)
try {
  const subjects = peers.map((peer) => ({
    name: peer.name,
    work: () => void run(...withEnv(peer, ['exec', NAME, '/bin/true'])),
  }))
  report(`exec CONTAINER true (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
} finally {
  for (const peer of peers) run(...withEnv(peer, ['rm', '-f', NAME]))
}

function prepare(peer: Peer): void {
  run(...withEnv(peer, peer.name === 'podman' ? ['pull', '--tls-verify=false', image] : ['pull', image]))
  const words = [
    'run',
    '-d',
    '--name',
    NAME,
    '--network',
    'none',
    ...peer.runArgs,
    image,
    '/bin/busybox',
    'sleep',
    '1000',
  ]
  run(...withEnv(peer, words))
}

function withEnv(peer: Peer, args: readonly string[]): [string, string[], NodeJS.ProcessEnv] {
  return [...commandLine(peer, args), peer.env]
}
