/** From a container's document and an image of tools to the plan of `debug`. */
import { join } from 'node:path'
import { groupsOfProcess, membersOfContainer } from '../../linux/cgroups/members.ts'
import { besideRunning, besideStopped } from '../../linux/compile/compile-debug.ts'
import type { ProcessSpec, RuntimeSpec } from '../../oci/runtime-spec.ts'
import type { Bundle, CgroupSteps, ContainerId, LaunchPlan, RunningContainer } from '../../plugins/contract.ts'
import { readProcessIdentity } from '../../util/process-identity.ts'
import { openRecord } from '../find.ts'
import { cgroupSteps, isRootless, seccompFor } from '../host.ts'
import { isActive } from '../lifecycle.ts'
import type { Source } from '../obtain-image.ts'
import { mergeEnvironment } from '../parse/environment.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { ExecRequest } from '../types.ts'
import { ContainerEnded } from './errors.ts'
import { stoppedGroup, toolboxDirectory } from './run-directory.ts'
import { makeToolbox, type Toolbox } from './toolbox.ts'

/** Where the tools see the container's files. */
const AT = '/container'
/** What the tools need of a container's mounts: the kernel's own file systems, and the files that name hosts. */
const MOUNTS = new Set(
  '/proc /dev /dev/pts /dev/shm /dev/mqueue /sys /etc/hosts /etc/hostname /etc/resolv.conf'.split(' '),
)
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface DebugInput {
  readonly record: ContainerRecord
  readonly source: Source
  readonly exec: ExecRequest
  readonly execId: string
}

/** Makes the directories that the plan speaks of. */
export async function planDebug(room: ContainerRoom, input: DebugInput): Promise<LaunchPlan> {
  const { record, source, execId } = input
  const { readFileSync } = await import('node:fs')
  const path = join(room.paths.root, 'containers', record.id, 'config.json')
  const spec = JSON.parse(readFileSync(path, 'utf8')) as RuntimeSpec
  const toolbox = makeToolbox(toolboxDirectory(room.paths, record.id, execId), source)
  const wanted = await toolSpec(spec, toolbox, input)
  return isActive(record.state)
    ? planRunning(room, { wanted, toolbox, record })
    : planStopped(room, { wanted, toolbox, record, execId })
}

async function toolSpec(
  spec: RuntimeSpec,
  toolbox: Toolbox,
  { record, source, exec }: DebugInput,
): Promise<RuntimeSpec> {
  const bounding = [...new Set([...(spec.process?.capabilities?.bounding ?? []), 'CAP_SYS_PTRACE'])]
  const { seccomp: _, ...linux } = spec.linux ?? {}
  const seccomp = await seccompFor(record.settings.host, bounding)
  const environment = mergeEnvironment([DEFAULT_PATH, 'HOME=/root'], source.config.config?.Env ?? [])
  const process: ProcessSpec = {
    ...spec.process,
    terminal: exec.tty ?? false,
    user: { uid: 0, gid: 0, additionalGids: [0] },
    args: [...exec.command],
    env: exec.tty ? mergeEnvironment(['TERM=xterm'], environment) : environment,
    cwd: '/',
    capabilities: { bounding, effective: bounding, permitted: bounding },
  }
  return {
    ...spec,
    process,
    root: { path: toolbox.rootfs, readonly: false },
    mounts: (spec.mounts ?? []).filter(({ destination }) => MOUNTS.has(destination)),
    linux: { ...linux, ...(seccomp !== undefined && { seccomp }) },
  }
}

interface PlanInput {
  readonly wanted: RuntimeSpec
  readonly toolbox: Toolbox
  readonly record: ContainerRecord
}

async function planRunning(room: ContainerRoom, { wanted, toolbox, record }: PlanInput): Promise<LaunchPlan> {
  const container = await firstProcess((await openRecord(room, record)).container)
  const groups = groupsOfProcess(container.pid, wanted.linux?.cgroupsPath ?? '/')
  const cgroup: CgroupSteps = { before: [], after: groups.map((path) => ({ do: 'join-cgroup', path })) }
  // Whatever else is in the document is there already, and is not to be made again.
  const { hostname: _, domainname: __, ...rest } = wanted
  const spec = { ...rest, linux: { ...rest.linux, namespaces: [{ type: 'mount' as const }], sysctl: {} } }
  return besideRunning(await planTools(room, { spec, toolbox, record, cgroup }), container, AT)
}

/** A foreign runtime's own process is outside of the container that it made. @throws {ContainerEnded} */
async function firstProcess(container: RunningContainer): Promise<RunningContainer> {
  const path = container.spec.linux?.cgroupsPath ?? `/coracle/${container.id}`
  if (groupsOfProcess(container.pid, path).length > 0 || container.rootless) return container
  const members = membersOfContainer(container.pid, path)
  if (members === undefined) return container
  const identity = readProcessIdentity(Math.min(...members))
  if (identity === undefined) throw new ContainerEnded(container.id)
  return { ...container, ...identity }
}

async function planStopped(
  room: ContainerRoom,
  { wanted, toolbox, record, execId }: PlanInput & { readonly execId: string },
): Promise<LaunchPlan> {
  const kinds = (wanted.linux?.namespaces ?? []).map(({ type }) => ({ type }))
  const spec = {
    ...wanted,
    linux: { ...wanted.linux, namespaces: kinds, cgroupsPath: stoppedGroup(execId) },
  }
  const plan = await planTools(room, { spec, toolbox, record, cgroup: await cgroupSteps(spec) })
  return besideStopped(plan, {
    mount: toolbox.container,
    lower: await layersOf(room, record),
    options: isRootless() ? ['userxattr'] : [],
    at: AT,
  })
}

async function layersOf(room: ContainerRoom, { id, image, settings }: ContainerRecord): Promise<readonly string[]> {
  const { platform } = settings
  const prepared =
    image === undefined ? undefined : await room.images.prepare(image, platform === '' ? {} : { platform })
  const lower = prepared?.content.kind === 'layers' ? prepared.content.lower : []
  return [join(room.paths.root, 'containers', id, 'upper'), ...lower]
}

async function planTools(
  room: ContainerRoom,
  input: Omit<PlanInput, 'wanted'> & { readonly spec: RuntimeSpec; readonly cgroup: CgroupSteps },
): Promise<LaunchPlan> {
  const { spec, toolbox, record, cgroup } = input
  const bundle: Bundle = {
    id: record.id as ContainerId,
    directory: toolbox.directory,
    runDirectory: toolbox.directory,
    spec,
    rootfs: toolbox.filesystem,
    rootless: isRootless(),
    cgroup,
    init: false,
  }
  return (await room.openBackend('linux')).plan(bundle)
}
