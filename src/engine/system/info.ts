/** `info`: what this installation is and has, in the fields of docker's that mean something here. */
import { readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, hostname, release, totalmem } from 'node:os'
import type { ContainerSummary } from '../../containers/types.ts'
import { readHierarchies } from '../../linux/cgroups/hierarchies.ts'
import { readPackageVersion } from '../../package-root.ts'
import { extensionNames } from '../../plugins/npm/extension.ts'
import { type BackendInfo, listBackends, listPluginBackends } from './backends.ts'
import type { SystemRoom } from './room.ts'
import type { SystemInfo } from './types.ts'

/** See `SystemEngine.info`. */
export async function systemInfo({ containers, images, paths }: SystemRoom): Promise<SystemInfo> {
  const listed = await containers.list({ all: true })
  const cgroupVersion = cgroups()
  const rootless = process.geteuid?.() !== 0
  const backends = [...listBackends(), ...(await listPluginBackends(paths))]
  return {
    ID: hostname(),
    Containers: listed.length,
    ContainersRunning: count(listed, 'running', 'stopping'),
    ContainersPaused: count(listed, 'paused'),
    ContainersStopped: count(listed, 'created', 'exited', 'removing', 'starting', 'restarting'),
    Images: (await images.list({ all: true })).length,
    Driver: 'overlay2',
    DriverStatus: [
      ['Backing Filesystem', fileSystem(paths.root)],
      ['Supports d_type', 'true'],
      ['Native Overlay Diff', 'true'],
      ['userxattr', String(rootless)],
    ],
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: cgroupVersion,
    Plugins: {
      Volume: ['local', ...extensionNames(paths, 'volumeDrivers')],
      Network: ['none', 'host', ...extensionNames(paths, 'networkDrivers')],
      Log: ['json-file', 'local', 'none', 'journald', ...extensionNames(paths, 'logDrivers')],
    },
    MemoryLimit: hasController('memory'),
    SwapLimit: hasController('memory'),
    CpuCfsPeriod: hasController('cpu'),
    CpuCfsQuota: hasController('cpu'),
    CPUShares: hasController('cpu'),
    CPUSet: hasController('cpuset'),
    PidsLimit: hasController('pids'),
    OomKillDisable: cgroupVersion === '1',
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    DockerRootDir: paths.root,
    RunDir: paths.run,
    Name: hostname(),
    KernelVersion: release(),
    OperatingSystem: operatingSystem(),
    OSType: 'linux',
    Architecture: process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch,
    ServerVersion: readPackageVersion(),
    DefaultRuntime: 'linux',
    Backends: backends,
    Runtimes: runtimesOf(backends),
    SecurityOptions: ['name=seccomp,profile=builtin', ...(rootless ? ['name=rootless'] : []), 'name=cgroupns'],
    LiveRestoreEnabled: true, // no daemon whose end containers could notice
    SystemTime: new Date().toISOString(),
    Warnings: hostWarnings(),
  }
}

function count(containers: readonly ContainerSummary[], ...states: readonly ContainerSummary['state'][]): number {
  return containers.filter(({ state }) => states.includes(state)).length
}

/** docker's answer for a hybrid host is 1: its controllers are. */
function cgroups(): '1' | '2' {
  return readHierarchies().some(({ version, controllers }) => version === 1 && controllers.length > 0) ? '1' : '2'
}

function hasController(name: string): boolean {
  return readHierarchies().some(({ controllers }) => controllers.includes(name))
}

function hostWarnings(): readonly string[] {
  const missing = ['memory', 'pids', 'cpu', 'cpuset', 'blkio'].filter(
    (name) => !hasController(name) && !(name === 'blkio' && hasController('io')),
  )
  return missing.map((name) => `WARNING: no cgroup controller ${name}: limits of it are refused`)
}

/** What `--runtime` takes. */
function runtimesOf(backends: readonly BackendInfo[]): Readonly<Record<string, { readonly path: string }>> {
  const usable = backends.filter(({ Works }) => Works)
  return Object.fromEntries(
    usable.map(({ Name, Path }) => [Name.replace(/^(?:oci|plugin):/, ''), { path: Path || Name }]),
  )
}

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'extfs',
  2435016766: 'btrfs',
  1481003842: 'xfs',
  16914836: 'tmpfs',
  801189825: 'zfs',
  2035054128: 'overlayfs',
}

function fileSystem(path: string): string {
  return FILE_SYSTEMS[statfsSync(path).type] ?? 'unknown'
}

function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
  } catch {
    return 'Linux'
  }
}
