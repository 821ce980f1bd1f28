/** From a bundle to what the runner is told. */
import type { Bundle } from '../plugins/contract.ts'
import { ModuleUnsupported } from './errors.ts'
import type { WasiJob } from './job.ts'
import { rootDirectory, userMounts } from './root-steps.ts'

/** @throws {ModuleUnsupported} a mount that the engine cannot show */
export function makeJob(bundle: Bundle): WasiJob {
  const { spec, rootfs, rootless } = bundle
  const { args = [], env = [], cwd = '/' } = spec.process ?? {}
  if (spec.wasi?.engine === 'wasmer')
    refuseMounts(
      bundle,
      'the files of engine wasmer are in memory',
      'choose the engine that has files: --wasi-engine preview1',
    )
  if (rootless) refuseMounts(bundle, 'that needs root', 'put the files into the image')
  const shared = { ...spec.wasi, args, env, cwd, ...(rootfs.kind === 'module' && { module: rootfs.path }) }
  if (!rootless) return { ...shared, root: rootDirectory(bundle), layers: [] }
  const { upper } = rootfs
  return { ...shared, layers: rootfs.kind === 'module' ? [] : rootfs.lower, upper, volumes: [] }
}

/** What a user mounts must be visible or refused. */
function refuseMounts({ spec, directory }: Bundle, reason: string, hint: string): void {
  const [mount] = userMounts(spec.mounts ?? [], directory)
  if (mount !== undefined)
    throw new ModuleUnsupported(`nothing can be mounted at ${mount.destination}: ${reason}`, hint)
}
