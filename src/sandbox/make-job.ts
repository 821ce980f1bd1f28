/** From a bundle to what the runner is told. */
import { join, posix } from 'node:path'
import type { Bundle } from '../plugins/contract.ts'
import { ModuleUnsupported } from './errors.ts'
import type { WasiJob } from './job.ts'
import { userMounts } from './root-steps.ts'
import { PLACES } from './walls/places.ts'

const MAX_PORTS = 64

/** @throws {ModuleUnsupported} a mount that the engine cannot show */
export function makeJob(bundle: Bundle, enclosed: boolean): WasiJob {
  const { spec, rootfs, ports = [] } = bundle
  if (ports.length > MAX_PORTS)
    throw new ModuleUnsupported(`a module listens on ${MAX_PORTS} ports at most, not on ${ports.length}`)
  const { args = [], env = [], cwd = '/' } = spec.process ?? {}
  if (spec.wasi?.engine === 'wasmer')
    refuseMounts(
      bundle,
      'the files of engine wasmer are in memory',
      'choose the engine that has files: --wasi-engine preview1',
    )
  if (!enclosed) refuseMounts(bundle, 'that needs root, or user namespaces', 'put the files into the image')
  const listens = spec.wasi?.engine === 'wasmer' ? [] : ports
  const shared = {
    ...spec.wasi,
    refused: enclosed ? PLACES.refused : refusedFile(bundle),
    listens,
    args,
    env,
    cwd,
    ...(rootfs.kind === 'module' && { module: enclosed ? PLACES.module : rootfs.path }),
  }
  if (enclosed) return { ...shared, root: PLACES.root, mounted: mountedIn(bundle), layers: [] }
  const { upper } = rootfs
  return { ...shared, layers: rootfs.kind === 'module' ? [] : rootfs.lower, upper, volumes: [] }
}

/** New and empty for each run. */
export const refusedFile = ({ directory }: Pick<Bundle, 'directory'>): string => join(directory, 'refused')

function mountedIn({ spec, directory }: Bundle): string[] {
  const targets = userMounts(spec.mounts ?? [], directory).map(({ destination }) => posix.normalize(`${destination}/`))
  return [...new Set(targets)].filter((target) => target !== '/').map((target) => target.slice(0, -1))
}

/** What a user mounts must be visible or refused. */
function refuseMounts({ spec, directory }: Bundle, reason: string, hint: string): void {
  const [mount] = userMounts(spec.mounts ?? [], directory)
  if (mount !== undefined)
    throw new ModuleUnsupported(`nothing can be mounted at ${mount.destination}: ${reason}`, hint)
}
