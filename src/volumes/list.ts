/** `volume ls`, `inspect` and `prune`. */

import { InvalidArgument } from '../errors.ts'
import { measureFiles } from '../linux/measure-files.ts'
import { logEvent } from '../state/events.ts'
import { VolumeInUse, VolumeNotFound } from './errors.ts'
import { listVolumes, readVolume, usersOf } from './records.ts'
import { type VolumeRoom, volumePath } from './room.ts'
import { removeVolume } from './store.ts'
import type { PrunedVolumes, VolumeDocument, VolumeRecord, VolumeUsage } from './types.ts'

type Matches = (volume: VolumeRecord) => boolean

/** See `VolumeEngine.list`. */
export function listDocuments(room: VolumeRoom, filters: readonly string[]): readonly VolumeDocument[] {
  const matches = parseFilters(room, filters, ['name', 'label', 'driver', 'dangling'])
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

/** Values of one key are alternatives, as docker has it; labels must all be there. */
function parseFilters({ database }: VolumeRoom, filters: readonly string[], known: readonly string[]): Matches {
  const tests = new Map<string, Matches[]>()
  for (const filter of filters) {
    const match = /^([a-z]+!?)=(.*)$/s.exec(filter)
    if (match === null)
      throw new InvalidArgument(`invalid argument "${filter}" for "--filter" flag: bad format of filter`)
    const [, key = '', value = ''] = match
    if (!known.includes(key)) throw new InvalidArgument(`invalid filter '${key}'`)
    const unused = (volume: VolumeRecord) => usersOf(database, volume.name).length === 0
    const test: Matches =
      key === 'name'
        ? ({ name }) => name.includes(value)
        : key === 'driver'
          ? ({ driver }) => driver === value
          : key === 'dangling'
            ? (volume) => unused(volume) === truth(value)
            : ({ labels }) => hasLabel(labels, value) === (key === 'label')
    tests.set(key, [...(tests.get(key) ?? []), test])
  }
  return (volume) =>
    [...tests].every(([key, each]) =>
      key.startsWith('label') ? each.every((test) => test(volume)) : each.some((test) => test(volume)),
    )
}

function truth(value: string): boolean {
  if (['1', 'true'].includes(value)) return true
  if (['0', 'false'].includes(value)) return false
  throw new InvalidArgument(`invalid filter 'dangling=${value}'`)
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals < 0) return Object.hasOwn(labels, wanted)
  const key = wanted.slice(0, equals)
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(equals + 1)
}

/** See `VolumeEngine.prune`. */
export async function pruneVolumes(
  room: VolumeRoom,
  { all, filters }: { readonly all: boolean; readonly filters: readonly string[] },
): Promise<PrunedVolumes> {
  // docker's older word for `--all`
  const everything = all || filters.some((filter) => filter === 'all=true' || filter === 'all=1')
  const rest = filters.filter((filter) => !filter.startsWith('all='))
  const matches = parseFilters(room, rest, ['label', 'label!'])
  const deleted: string[] = []
  let reclaimedBytes = 0
  for (const volume of listVolumes(room.database)) {
    if (!(everything || volume.anonymous) || !matches(volume)) continue
    if (usersOf(room.database, volume.name).length > 0) continue
    const bytes = await measureFiles(volumePath(room.paths, volume.name))
    try {
      await removeVolume(room, volume.name)
    } catch (error) {
      if (error instanceof VolumeInUse || error instanceof VolumeNotFound) continue // taken or removed meanwhile
      throw error
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
  return { deleted, reclaimedBytes }
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
