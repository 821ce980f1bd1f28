/** From a job to a run: the image below `/`, volumes beside it. */
import type { Ending } from '../engine.ts'
import { ModuleUnsupported } from '../errors.ts'
import type { FoundModule } from '../find-module.ts'
import type { WasiJob } from '../job.ts'
import { FILE_TYPE } from './abi.ts'
import { fixedClocks, hostClocks } from './clocks.ts'
import type { Directory } from './files.ts'
import type { Preopen } from './given.ts'
import { openHostDirectory } from './host-directory.ts'
import { openLayers } from './layered-directory.ts'
import { withPlace } from './paths.ts'
import { statusAt } from './place-operations.ts'
import { seededRandom, systemRandom } from './random.ts'
import { type Preview1Options, runOnPreview1 } from './run.ts'

export async function runJobOnPreview1(found: FoundModule, job: WasiJob, threads: boolean): Promise<Ending> {
  const { env, listens = [] } = job
  if (threads && (job.clock !== undefined || job.seed !== undefined))
    throw new ModuleUnsupported(
      'no two runs of several threads are the same: --wasi-clock and --wasi-seed cannot make them so',
      'leave them out',
    )
  const run = threads ? (await import('./threads/run.ts')).runOnThreads : runOnPreview1
  return run(found, {
    ...givenBy(job),
    listens,
    env: listens.length === 0 ? env : [...env, ...activation(job, listens)],
  })
}

/** What the job gives a program, whichever interface it uses. */
export function givenBy(job: WasiJob): Required<Omit<Preview1Options, 'listens' | 'waits'>> {
  const { args, env, clock, seed } = job
  return {
    args,
    env,
    preopens: [...imageOf(job), ...volumesOf(job)],
    clocks: clock === undefined ? hostClocks() : fixedClocks(BigInt(clock)),
    random: seed === undefined ? systemRandom : seededRandom(seed),
  }
}

/** How a program learns that its descriptors from 3 on are sockets that listen: sd_listen_fds(3), which libraries for WASI look for too. */
function activation({ env }: WasiJob, listens: readonly number[]): string[] {
  if (env.some((entry) => entry.startsWith('LISTEN_FDS='))) return []
  return [`LISTEN_FDS=${listens.length}`, `LISTEN_FDNAMES=${listens.join(':')}`]
}

function imageOf({ root, mounted = [], layers, upper }: WasiJob): Preopen[] {
  if (root !== undefined) return rootOf(openHostDirectory(root), mounted)
  if (layers.length === 0 && upper === undefined) return []
  const directory = openLayers({ lower: layers, ...(upper === undefined ? {} : { upper }) })
  return rootOf(directory, [])
}

/** What is mounted is in the root too, but programs may ask for the very name that they were told. Files cannot be given by it. */
function rootOf(root: Directory, mounted: readonly string[]): Preopen[] {
  const enter = (name: string): Preopen[] =>
    withPlace(root, { path: name.slice(1), end: 'follow', linkRoot: root }, (place) => {
      if (statusAt(place).type !== FILE_TYPE.directory) return []
      return [
        {
          name,
          directory: place.name === undefined ? place.directory.duplicate() : place.directory.enter(place.name),
          linkRoot: root,
        },
      ]
    })
  return [{ name: '/', directory: root, linkRoot: root }, ...mounted.flatMap(enter)]
}

/** wasi-libc takes the preopen whose name is the longest beginning of a path, so that a volume lies over the image. */
function volumesOf({ volumes = [] }: WasiJob): Preopen[] {
  return volumes.map(({ source, target, readOnly }) => ({
    name: target,
    directory: openHostDirectory(source, { readOnly }),
  }))
}
