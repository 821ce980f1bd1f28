/** The files of a container, running or not, as one directory that paths are looked up in. */
import { closeSync, constants, existsSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { IdMappings } from '../../linux/id-mappings.ts'
import type { ChildStep } from '../../linux/plan.ts'
import type { MountSpec, RuntimeSpec } from '../../oci/runtime-spec.ts'
import { MODULE_ROOT } from '../../paths.ts'
import type { ContainerId } from '../../plugins/contract.ts'
import { type ProcessIdentity, readProcessIdentity } from '../../util/process-identity.ts'
import { readVolume, usesBy } from '../../volumes/records.ts'
import { volumePath } from '../../volumes/room.ts'
import { containerDirectories } from '../directories.ts'
import { isRootless } from '../host.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { FilesUnsupported } from './errors.ts'

export interface OpenFiles extends AsyncDisposable {
  /** A name of the root directory that is good in this process and its children, whatever happens to the container. */
  readonly root: string
  /** What is to be done as an ordinary user is done with the ids of the container. */
  readonly idMaps: IdMappings | undefined
}

export interface OpenOptions {
  /** Otherwise what is stopped is mounted read-only. A writer holds the container. */
  readonly write: boolean
}

export async function openFiles(
  room: ContainerRoom,
  record: ContainerRecord,
  options: OpenOptions,
): Promise<OpenFiles> {
  return (await openRunningFiles(room, record)) ?? openStoppedFiles(room, record, options)
}

/** As its first process sees them. undefined: it does not run. */
export async function openRunningFiles(room: ContainerRoom, record: ContainerRecord): Promise<OpenFiles | undefined> {
  const descriptor = await openRunningRoot(room, record)
  if (descriptor === undefined) return undefined
  return { ...pinned(descriptor), idMaps: await mapsOf(), [Symbol.asyncDispose]: async () => closeSync(descriptor) }
}

async function openStoppedFiles(
  room: ContainerRoom,
  record: ContainerRecord,
  options: OpenOptions,
): Promise<OpenFiles> {
  const { openHold } = await import('../../linux/hold.ts')
  const { data } = containerDirectories(room.paths, record.id)
  const idMaps = await mapsOf()
  const hold = await openHold(await mountsOf(room, record, options), { idMaps })
  try {
    const descriptor = openSync(`/proc/${hold.pid}/root${join(data, 'rootfs')}`, DIRECTORY)
    const close = async () => {
      closeSync(descriptor)
      await hold[Symbol.asyncDispose]()
    }
    return { ...pinned(descriptor), idMaps, [Symbol.asyncDispose]: close }
  } catch (error) {
    await hold[Symbol.asyncDispose]()
    throw error
  }
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY

function pinned(descriptor: number): { readonly root: string } {
  return { root: `/proc/${process.pid}/fd/${descriptor}/.` }
}

/** Runtimes whose containers are processes of this kernel; the others keep a root file system to themselves. */
const OPEN_RUNTIMES = new Set(['crun', 'runc', 'youki'])

/** Of the first process. undefined: it does not run. */
async function openRunningRoot(room: ContainerRoom, record: ContainerRecord): Promise<number | undefined> {
  const identity = await firstProcess(room, record)
  if (identity === undefined || !isSame(identity)) return undefined
  let descriptor: number
  try {
    const pid = lookedInto(identity.pid)
    if (readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync('/proc/self/ns/mnt'))
      throw new FilesUnsupported(`container ${record.name} has no files of its own: it sees those of the host`)
    descriptor = openSync(`/proc/${pid}/root${rootInside(record)}`, DIRECTORY)
  } catch (error) {
    if (isSame(identity)) throw error
    return undefined // it has just ended
  }
  // Looked at again, because another process may have got the number meanwhile.
  if (isSame(identity)) return descriptor
  closeSync(descriptor)
  return undefined
}

/** Where nobody but root may look into the small parent, the one child that it has by itself: it sees the same files. */
function lookedInto(pid: number): number {
  try {
    readlinkSync(`/proc/${pid}/root`)
    return pid
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    return Number(child) || pid
  }
}

/** The process that runs a module is not in the module's root file system. */
function rootInside({ backend }: ContainerRecord): string {
  return backend === 'wasi' ? MODULE_ROOT : ''
}

async function firstProcess(room: ContainerRoom, record: ContainerRecord): Promise<ProcessIdentity | undefined> {
  const { process: identity, backend, name, id } = record
  if (identity === undefined || !isSame(identity)) return undefined
  const [kind = '', runtime = ''] = backend.split(/:(.*)/s)
  if (kind !== 'oci' && kind !== 'plugin') return identity
  if (kind === 'plugin' || !OPEN_RUNTIMES.has(basename(runtime)))
    throw new FilesUnsupported(`${basename(runtime)} keeps the files of a running container to itself`, {
      hint: `stop it first: coracle stop ${name}`,
    })
  const { readOciProcess } = await import('../../linux/oci-process.ts')
  return readOciProcess({ runtime, stateDirectory: join(room.paths.run, 'oci') }, id)
}

function isSame({ pid, startTime }: ProcessIdentity): boolean {
  return readProcessIdentity(pid)?.startTime === startTime
}

export async function mapsOf(): Promise<IdMappings | undefined> {
  if (!isRootless()) return undefined
  const { readIdMappings } = await import('../../linux/id-mappings.ts')
  return readIdMappings()
}

/** What a start would mount, but for file systems that are empty then. */
async function mountsOf(room: ContainerRoom, record: ContainerRecord, { write }: OpenOptions): Promise<ChildStep[]> {
  const { data } = containerDirectories(room.paths, record.id)
  const layers = await layersOf(room, record)
  const spec = JSON.parse(readFileSync(join(data, 'config.json'), 'utf8')) as RuntimeSpec
  const root = rootStep(data, layers, write)
  const { mountSteps } = await import('../../linux/compile/mounts.ts')
  const mounts = withVolumes(room, record, spec.mounts ?? []).filter(
    ({ type, source }) => type === 'bind' && existsSync(source ?? ''),
  )
  const binds = mountSteps(
    {
      id: record.id as ContainerId,
      directory: data,
      runDirectory: data,
      spec: { ...spec, mounts },
      rootfs: { kind: 'layers', lower: [], upper: '', work: '' },
      rootless: isRootless(),
      cgroup: { before: [], after: [] },
      init: false,
    },
    { mapHelpers: false, cgroupMounts: [] },
  )
  // Where it has never run, some have nothing to be mounted on.
  const optional = binds.map((step) =>
    step.do === 'bind' ? { ...step, optional: true, create: write ? step.create : 'none' } : step,
  ) as ChildStep[]
  const sealed = spec.root?.readonly === true || record.settings.host.ReadonlyRootfs
  const seal: ChildStep[] = sealed ? [{ do: 'remount', target: '/', set: ['ro'], clear: [], recursive: false }] : []
  return [root, ...optional, ...seal]
}

/** Volumes where they are now: they may have got other names since the container ran. */
function withVolumes(room: ContainerRoom, { id }: ContainerRecord, mounts: readonly MountSpec[]): readonly MountSpec[] {
  const places = new Map(usesBy(room.database, id).map(({ volume, mount }) => [mount.Target, volume]))
  return mounts.map((mount) => {
    const volume = places.get(mount.destination)
    const record = volume === undefined ? undefined : readVolume(room.database, volume)
    if (volume === undefined || record?.options['type'] !== undefined) return mount
    if (record !== undefined && record.driver !== 'local') return mount
    return mount.type === 'bind' ? { ...mount, source: volumePath(room.paths, volume) } : mount
  })
}

function rootStep(data: string, { upper, lower }: Layers, write: boolean): ChildStep {
  const at = join(data, 'rootfs')
  const options = isRootless() ? ['userxattr'] : []
  if (lower.length === 0) return { do: 'root-bind', at, source: upper }
  if (write) return { do: 'root-overlay', at, lower, upper, work: join(data, 'work'), options }
  return { do: 'root-overlay', at, lower: [upper, ...lower], options }
}

export interface Layers {
  /** What the container has written. */
  readonly upper: string
  /** Of the image, top-most first; none of a bare module. */
  readonly lower: readonly string[]
}

/** @throws {ImageNotFound} its image was removed by force */
export async function layersOf(
  room: ContainerRoom,
  { id, image, settings }: Pick<ContainerRecord, 'id' | 'image' | 'settings'>,
): Promise<Layers> {
  const upper = join(containerDirectories(room.paths, id).data, 'upper')
  if (image === undefined) return { upper, lower: [] }
  const { content } = await room.images.prepare(image, settings.platform === '' ? {} : { platform: settings.platform })
  return { upper, lower: content.kind === 'layers' ? content.lower : [] }
}
