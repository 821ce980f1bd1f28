/** The sandbox with what it needs of the kernel: rooms beside each other know nothing of each other. */
import { join } from 'node:path'
import { denySteps } from '../linux/compile/hide.ts'
import { idMapSteps } from '../linux/compile/id-maps.ts'
import { mountSteps } from '../linux/compile/mounts.ts'
import { readIdMappings } from '../linux/id-mappings.ts'
import { cachedFilter } from '../linux/seccomp/cache.ts'
import { mayMakeUserNamespaces } from '../linux/user-namespaces.ts'
import type { Paths } from '../paths.ts'
import type { IsolationBackend } from '../plugins/contract.ts'
import { createWasiBackend } from '../sandbox/backend.ts'
import { openEarlyRunners } from './early-runners.ts'

export function openWasiBackend(paths: Paths): IsolationBackend {
  const cacheDirectory = join(paths.root, 'cache', 'seccomp')
  return createWasiBackend({
    enclosed: mayMakeUserNamespaces(),
    mountSteps: (bundle) => mountSteps(bundle, { mapHelpers: false, cgroupMounts: [] }),
    denySteps: ({ spec }) => denySteps(spec),
    idMapSteps: ({ spec, rootless }) => idMapSteps(spec, { mapHelpers: rootless && readIdMappings().helpers }),
    early: openEarlyRunners(join(paths.root, 'cache', 'runner')),
    componentCache: join(paths.root, 'cache', 'components'),
    compileFilter: (spec) => cachedFilter(spec, cacheDirectory),
  })
}
