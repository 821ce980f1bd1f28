/** `pull` of a multi-layer image from a registry on loopback into an empty store. */
import { measure, report, run } from './harness.ts'
import { pushHostTrees } from './images.ts'
import { commandLine, openBench, type Peer } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)

await using bench = await openBench()
const { reference, contents } = await pushHostTrees(bench)
const subjects = bench.peers.map((peer) => ({
  name: peer.name,
  reset: () => removeImage(peer),
  work: () =>
    void invoke(
      peer,
      peer.name === 'podman' ? ['pull', '-q', '--tls-verify=false', reference] : ['pull', '-q', reference],
    ),
}))
report(`pull of ${contents} (${ROUNDS} rounds)`, measure(subjects, ROUNDS))

/** Before the first round there is nothing to remove yet. */
function removeImage(peer: Peer): void {
  const present = invoke(peer, ['images', '-q']).trim() !== ''
  if (present) invoke(peer, ['rmi', '-f', reference])
}

function invoke(peer: Peer, args: readonly string[]): string {
  return run(...commandLine(peer, args), peer.env)
}
