/** `run --rm --network none IMAGE true`: how long until a container has come and gone. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasPeer, measure, report, run, type Subject } from './harness.ts'
import { pushBusybox } from './images.ts'
import { type Bench, invoke, openBench, pull } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)

await using bench = await openBench()
const image = pushBusybox(bench)
for (const peer of bench.peers) pull(peer, image)
const subjects: Subject[] = bench.peers.map((peer) => ({
  name: peer.name,
  work: () => void invoke(peer, ['run', '--rm', '--network', 'none', ...peer.runArgs, image, '/bin/true']),
}))
if (hasPeer('runc')) subjects.push(runcSubject(bench))
report(`run --rm --network none IMAGE true (${ROUNDS} rounds)`, measure(subjects, ROUNDS))

/** The bare runtime on a bundle that lies ready: no image, no store, no log. */
function runcSubject({ scratch }: Bench): Subject {
  const bundle = join(scratch, 'runc')
  mkdirSync(bundle)
  run('cp', ['-a', join(scratch, 'busybox'), join(bundle, 'rootfs')])
  run('runc', ['spec', '--bundle', bundle])
  const path = join(bundle, 'config.json')
  const spec = JSON.parse(readFileSync(path, 'utf8')) as { process: object }
  writeFileSync(
    path,
    JSON.stringify({ ...spec, process: { ...spec.process, terminal: false, args: ['/bin/true'], rlimits: [] } }),
  )
  const state = ['--root', join(scratch, 'runc-state')]
  return { name: 'runc alone', work: () => void run('runc', [...state, 'run', '--bundle', bundle, 'bench']) }
}
