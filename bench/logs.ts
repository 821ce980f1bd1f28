/** How fast a container can print into its log: `run -d` of much output, to its end. Beside json-file of docker and podman. */
import { measure, report } from './harness.ts'
import { pushBusybox } from './images.ts'
import { invoke, openBench, pull } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const MEGABYTES = Number(process.env['BENCH_MEGABYTES'] ?? 100)
const NAME = 'bench-logs'
/** The same limits for all; docker's own default never rotates. */
const LIMITS = ['--log-driver', 'json-file', '--log-opt', 'max-size=20m', '--log-opt', 'max-file=5']

await using bench = await openBench()
const image = pushBusybox(bench)
const { peers } = bench
for (const peer of peers) pull(peer, image)

for (const [title, line] of [
  ['short lines (20 bytes)', 'a line of the log 1'],
  ['long lines (200 bytes)', 'x'.repeat(199)],
] as const) {
  const script = `/bin/busybox yes '${line}' | /bin/busybox head -c ${MEGABYTES}000000`
  const subjects = peers.map((peer) => ({
    name: peer.name,
    work: () => {
      const words = ['run', '-d', '--name', NAME, '--network', 'none', ...LIMITS, ...peer.runArgs]
      invoke(peer, [...words, image, '/bin/busybox', 'sh', '-c', script])
      if (invoke(peer, ['wait', NAME]).trim() !== '0') throw new Error(`${peer.name} could not print`)
      invoke(peer, ['rm', '-f', NAME])
    },
  }))
  report(`${MEGABYTES} MB of ${title} into the log (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
}
