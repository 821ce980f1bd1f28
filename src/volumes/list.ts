/** `volume ls`, `inspect` and `prune`. */
import { CoracleError, type Kept } from '../errors.ts'
import { measureFiles } from '../linux/measure-files.ts'
import { logEvent } from '../state/events.ts'
import { LABEL_FILTERS, parseFilters, parseTruth, type Test } from '../util/filters.ts'
import { VolumeInUse, VolumeNotFound } from './errors.ts'
import { listVolumes, readVolume, usersOf } from './records.ts'
import { type VolumeRoom, volumePath } from './room.ts'
import { removeVolume } from './store.ts'
import type { PrunedVolumes, VolumeDocument, VolumeRecord, VolumeUsage } from './types.ts'

/** See `VolumeEngine.list`. */
export function listDocuments(room: VolumeRoom, filters: readonly string[]): readonly VolumeDocument[] {
  const matches = parseFilters(filters, listFilters(room))
  return listVolumes(room.database)
    .filter(matches)
    .map((volume) => documentOf(room, volume))
}

/** See `VolumeEngine.inspect`. */
export function inspectVolume(room: VolumeRoom, name: string): VolumeDocument {
  const volume = readVolume(room.database, name)
  if (volume === undefined) throw new VolumeNotFound(name)
  return documentOf(room, volume)
}

function documentOf({ paths }: VolumeRoom, volume: VolumeRecord): VolumeDocument {
  const orNull = (map: Readonly<Record<string, string>>) => (Object.keys(map).length === 0 ? null : map)
  return {
    CreatedAt: new Date(volume.createdAtMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    Driver: volume.driver,
    Labels: orNull(volume.labels),
    Mountpoint: volumePath(paths, volume.name),
    Name: volume.name,
    Options: orNull(volume.options),
    Scope: 'local',
  }
}

function listFilters({ database }: VolumeRoom): Readonly<Record<string, (value: string) => Test<VolumeRecord>>> {
  return {
    name:
      (value) =>
      ({ name }) =>
        name.includes(value),
    driver:
      (value) =>
      ({ driver }) =>
        driver === value,
    dangling: (value) => {
      const wanted = parseTruth('dangling', value)
      return ({ name }) => (usersOf(database, name).length === 0) === wanted
    },
    ...LABEL_FILTERS,
  }
}

/** See `VolumeEngine.prune`. */
export async function pruneVolumes(
  room: VolumeRoom,
  { all, filters }: { readonly all: boolean; readonly filters: readonly string[] },
): Promise<PrunedVolumes> {
  // docker's older word for `--all`
  const everything = all || filters.some((filter) => filter === 'all=true' || filter === 'all=1')
  const rest = filters.filter((filter) => !filter.startsWith('all='))
  const matches = parseFilters(rest, LABEL_FILTERS)
  const deleted: string[] = []
  const kept: Kept[] = []
  let reclaimedBytes = 0
  for (const volume of listVolumes(room.database)) {
    if (!(everything || volume.anonymous) || !matches(volume)) continue
    if (usersOf(room.database, volume.name).length > 0) continue
    const bytes = await measureFiles(volumePath(room.paths, volume.name))
    try {
      await removeVolume(room, volume.name)
    } catch (error) {
      if (error instanceof VolumeInUse || error instanceof VolumeNotFound) continue // taken or removed meanwhile
      if (!(error instanceof CoracleError)) throw error
      kept.push({ name: volume.name, error })
      continue
    }
    deleted.push(volume.name)
    reclaimedBytes += bytes
  }
  logEvent(room.database, {
    type: 'volume',
    action: 'prune',
    actor: '',
    attributes: { reclaimed: `${reclaimedBytes}` },
  })
  return { deleted, kept, reclaimedBytes }
}

/** See `VolumeEngine.usage`. */
export async function volumeUsage({ paths, database }: VolumeRoom): Promise<readonly VolumeUsage[]> {
  const found: VolumeUsage[] = []
  for (const volume of listVolumes(database)) {
    const path = volumePath(paths, volume.name)
    found.push({
      ...volume,
      containers: usersOf(database, volume.name).map(({ id }) => id),
      path,
      sizeBytes: await measureFiles(path),
    })
  }
  return found
}
