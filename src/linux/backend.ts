/** The `linux` backend: containers of the kernel's own namespaces, control groups and filters. */
import type {
  Bundle,
  IsolationBackend,
  LaunchPlan,
  Platform,
  ProcessSpec,
  RunningContainer,
  Support,
} from '../plugins/contract.ts'
import { containerGroups } from './cgroups/groups.ts'
import { readHierarchies } from './cgroups/hierarchies.ts'
import type { CgroupMount } from './compile/options.ts'
import { findEmulator } from './emulators.ts'
import { readIdMappings } from './id-mappings.ts'
import type { CompiledFilter } from './seccomp/compile.ts'

export interface LinuxBackendOptions {
  /** Where compiled seccomp filters are kept between runs; a cache, and safe to lose. */
  readonly cacheDirectory: string
}

export function createLinuxBackend(options: LinuxBackendOptions): IsolationBackend {
  return {
    name: 'linux',
    check,
    plan: (bundle) => planContainer(bundle, options),
    planExec: (container, process) => planProcess(container, process, options),
    stats: (container) => container.cgroup.usage(),
    update: (container, resources) => container.cgroup.update(resources),
    pause: (container) => container.cgroup.freeze(),
    resume: (container) => container.cgroup.thaw(),
    destroy: async () => {}, // mounts and namespaces end with their processes, control groups with their supervisor
  }
}

const NATIVE: Readonly<Record<string, readonly string[]>> = { x64: ['amd64', '386'], arm64: ['arm64', 'arm'] }

function check({ os, architecture }: Platform): Support {
  if (os !== 'linux') return { ok: false, reason: `images for ${os}/${architecture} cannot run in the linux backend` }
  if (NATIVE[process.arch]?.includes(architecture)) return { ok: true }
  const emulator = findEmulator(architecture)
  if (emulator === 'fixed') return { ok: true }
  const reason = `images for ${os}/${architecture} cannot run on this machine`
  return emulator === undefined
    ? {
        ok: false,
        reason,
        hint: `choose another platform, or register an emulator (qemu-user-static) for ${architecture}`,
      }
    : {
        ok: false,
        reason: `${reason}: its emulator is registered without the flag F, and cannot be found in containers`,
        hint: 'register it again with the flag F ("fix binary"): Debian\'s qemu-user-binfmt and most installers do',
      }
}

async function planContainer(bundle: Bundle, options: LinuxBackendOptions): Promise<LaunchPlan> {
  const { compileLaunchPlan } = await import('./compile/compile-plan.ts')
  return compileLaunchPlan(bundle, {
    seccomp: await compiledFilter(bundle.spec.linux?.seccomp, options),
    mapHelpers: bundle.rootless && readIdMappings().helpers,
    cgroupMounts: cgroupMounts(bundle),
  })
}

async function planProcess(
  container: RunningContainer,
  process: ProcessSpec,
  options: LinuxBackendOptions,
): Promise<LaunchPlan> {
  const { compileExecPlan } = await import('./compile/compile-exec.ts')
  const seccomp = await compiledFilter(container.spec.linux?.seccomp, options)
  return compileExecPlan(container, process, { seccomp, mapHelpers: container.rootless && readIdMappings().helpers })
}

async function compiledFilter(
  spec: NonNullable<Bundle['spec']['linux']>['seccomp'],
  { cacheDirectory }: LinuxBackendOptions,
): Promise<CompiledFilter | undefined> {
  if (spec === undefined) return undefined
  const { cachedFilter } = await import('./seccomp/cache.ts')
  return cachedFilter(spec, cacheDirectory)
}

/** Each hierarchy of version 1 is shown under the names it goes by on the host. */
function cgroupMounts({ spec, cgroup }: Bundle): CgroupMount[] {
  const hierarchies = readHierarchies()
  const joined = new Set(cgroup.after.map((step) => (step.do === 'join-cgroup' ? step.path : '')))
  const groups = containerGroups(spec.linux?.cgroupsPath ?? '/').filter(({ path }) => joined.has(path))
  const unifiedOnly = hierarchies.every(({ version }) => version === 2)
  return hierarchies
    .filter(({ version }) => unifiedOnly || version === 1)
    .map((hierarchy) => ({ hierarchy, group: groups.find((group) => group.hierarchy === hierarchy)?.path }))
    .map(({ hierarchy: { version, controllers }, group }) => ({
      version,
      name: version === 2 ? 'unified' : controllers.join(',').replace(/^name=/, ''),
      options: version === 2 ? '' : mountOptions(controllers),
      group,
    }))
}

/** A named hierarchy without controllers is asked for by `none` and its name. */
function mountOptions(controllers: readonly string[]): string {
  const [first = ''] = controllers
  return first.startsWith('name=') ? `none,${controllers.join(',')}` : controllers.join(',')
}
