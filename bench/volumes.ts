/** Volumes: how long a copy of a large one takes beside cp's, and filling a new one from the image beside docker's. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hasPeer, measure, report, run } from './harness.ts'
import { pushManyFiles } from './images.ts'
import { invoke, openBench, type Peer, pull } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const FILES = 10_000
const SIZE_MB = 1024
const FILE_MB = 16

await using bench = await openBench()
const [coracle] = bench.peers
if (coracle !== undefined) {
  measureClone(coracle, bench.scratch)
  onXfs(coracle, measureClone)
}
measureFilling()

/** Docker and podman have no word for it: their users start a container that runs cp. */
function measureClone(peer: Peer, scratch: string): void {
  invoke(peer, ['volume', 'create', 'large'])
  const directory = invoke(peer, ['volume', 'inspect', '--format', '{{.Mountpoint}}', 'large']).trim()
  for (let file = 0; file < SIZE_MB / FILE_MB; file++)
    run('dd', ['if=/dev/urandom', `of=${join(directory, `file${file}`)}`, 'bs=1M', `count=${FILE_MB}`])
  const copy = join(scratch, 'copy')
  const clone = {
    name: 'coracle volume clone',
    work: () => void invoke(peer, ['volume', 'clone', 'large', 'clone']),
    reset: () => removeIfThere(peer, 'clone'),
  }
  const cp = {
    name: 'cp -a --reflink=never',
    work: () => void run('cp', ['-a', '--reflink=never', directory, copy]),
    reset: () => rmSync(copy, { recursive: true, force: true }),
  }
  const fileSystem = run('stat', ['-f', '-c', '%T', scratch]).trim()
  const title = `volume of ${SIZE_MB} MB in ${SIZE_MB / FILE_MB} files copied, on ${fileSystem} (${ROUNDS} rounds)`
  report(title, measure([clone, cp], ROUNDS))
  for (const { reset } of [clone, cp]) reset()
  invoke(peer, ['volume', 'rm', 'large'])
}

/** A file system whose files can share their content, in a file. */
function onXfs(peer: Peer, work: typeof measureClone): void {
  if (!hasPeer('mkfs.xfs')) return
  const mountpoint = join(bench.scratch, 'xfs')
  mkdirSync(mountpoint)
  run('truncate', ['-s', `${4 * SIZE_MB}M`, `${mountpoint}.image`])
  run('mkfs.xfs', ['-q', `${mountpoint}.image`])
  run('mount', ['-o', 'loop', `${mountpoint}.image`, mountpoint])
  try {
    work({ ...peer, env: { ...peer.env, CORACLE_ROOT: join(mountpoint, 'root') } }, mountpoint)
  } finally {
    run('umount', [mountpoint])
    rmSync(`${mountpoint}.image`)
  }
}

function measureFilling(): void {
  const image = pushManyFiles(bench, FILES)
  for (const peer of bench.peers) pull(peer, image)
  const subject = (peer: Peer, flags: readonly string[]) => ({
    name: peer.name,
    work: () => void runTrue(peer, image, flags),
    reset: () => removeIfThere(peer, 'filled'),
  })
  const filled = bench.peers.map((peer) => subject(peer, ['-v', 'filled:/data']))
  report(`run --rm -v NEW:/data IMAGE true, ${FILES} files at /data (${ROUNDS} rounds)`, measure(filled, ROUNDS))
  for (const { reset } of filled) reset()
  const without = bench.peers.map((peer) => subject(peer, []))
  report(`run --rm IMAGE true, for comparison (${ROUNDS} rounds)`, measure(without, ROUNDS))
}

function removeIfThere(peer: Peer, name: string): void {
  if (invoke(peer, ['volume', 'ls', '-q']).split('\n').includes(name)) invoke(peer, ['volume', 'rm', name])
}

function runTrue(peer: Peer, image: string, flags: readonly string[]): void {
  invoke(peer, ['run', '--rm', '--network', 'none', ...flags, ...peer.runArgs, image, '/bin/true'])
}
