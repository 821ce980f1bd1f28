/** `exec CONTAINER true`: how long until one more process of a running container has come and gone. */

import { measure, report } from './harness.ts'
import { pushBusybox } from './images.ts'
import { invoke, openBench, type Peer, pull } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 25)
const NAME = 'bench-exec'

await using bench = await openBench()
const image = pushBusybox(bench)
const { peers } = bench
for (const peer of peers) prepare(peer)
try {
  const subjects = peers.map((peer) => ({
    name: peer.name,
    work: () => void invoke(peer, ['exec', NAME, '/bin/true']),
  }))
  report(`exec CONTAINER true (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
} finally {
  for (const peer of peers) invoke(peer, ['rm', '-f', NAME])
}

function prepare(peer: Peer): void {
  pull(peer, image)
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
  invoke(peer, words)
}
