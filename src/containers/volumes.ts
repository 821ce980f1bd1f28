/** The volumes of a container: those asked for and those its image declares; made, filled from the image, and mounted. */
import { existsSync, readdirSync } from 'node:fs'
import { join, normalize } from 'node:path'
import type { MountSpec } from '../oci/runtime-spec.ts'
import type { RootFilesystem } from '../plugins/contract.ts'
import { transaction } from '../state/database.ts'
import { sizeOption } from '../volumes/options.ts'
import { insertUse, insertVolumeEvent, readVolume, usesBy } from '../volumes/records.ts'
import { volumePath } from '../volumes/room.ts'
import { settleVolume } from '../volumes/settle.ts'
import { createVolume } from '../volumes/store.ts'
import type { MountSetting, VolumeRecord } from '../volumes/types.ts'
import type { ContainerDirectories } from './directories.ts'
import type { Draft } from './draft.ts'
import { readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** Makes what is missing, and records who has it. The container is on record, and does not run. Idempotent. */
export async function attachVolumes(room: ContainerRoom, draft: Draft, rootfs: RootFilesystem): Promise<void> {
  const uses = new Map(usesBy(room.database, draft.id).map(({ mount, volume }) => [mount.Target, volume]))
  for (const mount of wantedVolumes(draft)) {
    const known = readVolume(room.database, uses.get(mount.Target) ?? '')
    const volume = known ?? (await attach(room, draft.id, mount))
    if (mount.NoCopy === true || mount.Subpath !== undefined || isForeign(volume)) continue
    const { copyUp } = await import('./copy-up.ts')
    await copyUp(room, { container: draft.id, volume, target: mount.Target }, rootfs)
  }
}

/** Whoever was making the container may have been killed before all of its volumes were there, or full. */
export async function completeVolumes(
  room: ContainerRoom,
  draft: Draft,
  directories: ContainerDirectories & { readonly rootfs: RootFilesystem },
): Promise<void> {
  const isNew = readRecord(room.database, draft.id)?.startedAtMs === undefined
  const isEarlier = existsSync(join(directories.data, 'volumes'))
  if (isNew && !isEarlier) await attachVolumes(room, draft, directories.rootfs)
}

async function attach(room: ContainerRoom, container: string, mount: MountSetting): Promise<VolumeRecord> {
  for (;;) {
    const volume = await createVolume(room, {
      name: mount.Source,
      driver: mount.VolumeDriver,
      labels: mount.VolumeLabels ?? {},
      options: mount.VolumeOptions ?? {},
    })
    const taken = transaction(room.database, () => {
      if (readVolume(room.database, volume.name) === undefined) return false // removed between the two
      insertUse(room.database, { container, volume: volume.name, mount })
      return true
    })
    if (taken) return volume
  }
}

/** What is mounted for it lies elsewhere than in the volume's directory. */
function isForeign({ driver, options }: VolumeRecord): boolean {
  return driver !== 'local' || options['type'] !== undefined
}

/** A path of the image's where nothing else is mounted is an anonymous volume. The last word on a path counts. */
function wantedVolumes({
  settings: { config, host },
  backendName,
}: Pick<Draft, 'settings' | 'backendName'>): readonly MountSetting[] {
  const asked = new Map(host.Mounts.filter(({ Type }) => Type === 'volume').map((mount) => [mount.Target, mount]))
  const taken = new Set([...host.Mounts.map(({ Target }) => Target), ...Object.keys(host.Tmpfs), '/'])
  // The files of this engine are in memory: there is nothing that a volume could keep.
  const declared = Object.keys((backendName === 'wasi' && host.Wasi?.Engine === 'wasmer' ? null : config.Volumes) ?? {})
    .map((path) => normalize(`/${path}`).replace(/(.)\/+$/, '$1'))
    .filter((target) => !taken.has(target))
    .map((Target): MountSetting => ({ Type: 'volume', Source: '', Target, ReadOnly: false }))
  return [...asked.values(), ...new Map(declared.map((mount) => [mount.Target, mount])).values()]
}

export interface VolumeMounts {
  readonly settings: readonly MountSetting[]
  readonly mounts: readonly MountSpec[]
}

/** As the container's uses say. Of one that is not on record (`--debug-plan`), as they would be. */
export async function volumeMounts(room: ContainerRoom, draft: Draft, directory: string): Promise<VolumeMounts> {
  const uses = usesBy(room.database, draft.id)
  if (uses.length === 0) return { settings: [], mounts: otherVolumes(room, draft, directory) }
  const mounts: MountSpec[] = []
  for (const { volume, mount } of uses) {
    const record = readVolume(room.database, volume)
    if (record === undefined) continue
    await settleVolume(room, record)
    mounts.push(mountOf(record, mount, volumePath(room.paths, volume)))
  }
  return { settings: uses.map(({ mount }) => mount), mounts }
}

function otherVolumes(room: ContainerRoom, draft: Draft, directory: string): readonly MountSpec[] {
  if (readRecord(room.database, draft.id) !== undefined) return earlierVolumes(draft, directory)
  return wantedVolumes(draft).map((mount) => {
    const { Source: name, VolumeOptions: options = {}, VolumeDriver: driver = 'local' } = mount
    const record = readVolume(room.database, name) ?? { driver, options }
    return mountOf(record, mount, volumePath(room.paths, name === '' ? 'ANONYMOUS' : name))
  })
}

/** A volume with options is mounted in the container's own mount namespace: nothing of it is on the host. */
function mountOf(
  { driver, options }: Pick<VolumeRecord, 'driver' | 'options'>,
  mount: MountSetting,
  path: string,
): MountSpec {
  const { type, device = '', o = '' } = options
  const destination = mount.Target
  const words = [...o.split(',').filter((word) => word !== ''), ...sizeOption(options)]
  const readOnly = mount.ReadOnly ? ['ro'] : []
  if (type === undefined || driver !== 'local')
    return {
      destination,
      type: 'bind',
      source: path,
      options: ['rbind', mount.Propagation ?? 'rprivate', ...(mount.ReadOnly ? ['rro'] : [])],
    }
  if (words.includes('bind') || words.includes('rbind'))
    return { destination, type: 'bind', source: device, options: [...words, ...readOnly] }
  return { destination, type, source: device, options: [...words, ...readOnly] }
}

/** Containers made before volumes had names keep theirs in their own directory, numbered in the order of the paths. */
function earlierVolumes(draft: Draft, directory: string): readonly MountSpec[] {
  const home = join(directory, 'volumes')
  if (!existsSync(home)) return []
  const made = new Set(readdirSync(home))
  return wantedVolumes(draft).flatMap(({ Target }, index) =>
    made.has(String(index))
      ? [{ destination: Target, type: 'bind', source: join(home, String(index)), options: ['rbind', 'rprivate'] }]
      : [],
  )
}

/** docker's events of volumes that a container has, when it starts and when it has ended. */
export function tellOfVolumes(room: ContainerRoom, container: string, action: 'mount' | 'unmount'): void {
  const uses = usesBy(room.database, container)
  if (uses.length === 0) return
  transaction(room.database, () => {
    for (const { volume, mount } of uses) {
      const more = action === 'mount' ? mountAttributes(mount) : {}
      const driver = readVolume(room.database, volume)?.driver ?? 'local'
      insertVolumeEvent(room.database, volume, { action, container, driver, ...more })
    }
  })
}

function mountAttributes({ Target, ReadOnly, Propagation }: MountSetting): Readonly<Record<string, string>> {
  return { destination: Target, propagation: Propagation ?? '', 'read/write': String(!ReadOnly) }
}
