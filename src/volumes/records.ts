/** The rows of volumes and of their uses. */
import type { Database } from '../state/database.ts'
import { insertEvent } from '../state/events.ts'
import { isAlive } from '../util/process-identity.ts'
import type { MountSetting, VolumeRecord } from './types.ts'

type Row = Readonly<Record<string, unknown>>

export function readVolume(database: Database, name: string): VolumeRecord | undefined {
  const row = database.prepare('SELECT * FROM volumes WHERE name = ?').get(name)
  return row === undefined ? undefined : toVolume(row)
}

export function listVolumes(database: Database): readonly VolumeRecord[] {
  return database.prepare('SELECT * FROM volumes ORDER BY name').all().map(toVolume)
}

/** Within a write transaction of the caller. */
export function insertVolume(database: Database, volume: VolumeRecord): void {
  database
    .prepare('INSERT INTO volumes (name, driver, labels, options, anonymous, created_at) VALUES (?, ?, ?, ?, ?, ?)')
    .run(
      volume.name,
      volume.driver,
      JSON.stringify(volume.labels),
      JSON.stringify(volume.options),
      volume.anonymous ? 1 : 0,
      volume.createdAtMs,
    )
  insertVolumeEvent(database, volume.name, { action: 'create', driver: volume.driver })
}

/** Within a write transaction of the caller; nobody uses it. Its directory is for `removeLeftFiles`. */
export function deleteVolume(database: Database, { name, driver }: Pick<VolumeRecord, 'name' | 'driver'>): void {
  database.prepare('DELETE FROM volumes WHERE name = ?').run(name)
  markRemoved(database, name)
  insertVolumeEvent(database, name, { action: 'destroy', driver })
}

/** Volumes that are gone, and whose directories may not be. */
export function listRemoved(database: Database): readonly string[] {
  return database
    .prepare('SELECT name FROM removed_volumes')
    .all()
    .map((row) => row['name'] as string)
}

/** The directory is nobody's until a volume of this name is on record. */
export function markRemoved(database: Database, name: string): void {
  database.prepare('INSERT OR IGNORE INTO removed_volumes (name) VALUES (?)').run(name)
}

/** The directory is gone, or another volume has it. */
export function forgetRemoved(database: Database, name: string): void {
  database.prepare('DELETE FROM removed_volumes WHERE name = ?').run(name)
}

/** Within a write transaction of the caller. */
export function insertVolumeEvent(
  database: Database,
  actor: string,
  { action, ...attributes }: Readonly<Record<string, string>> & { readonly action: string },
): void {
  insertEvent(database, { type: 'volume', action, actor, attributes })
}

/** A volume where a container has it. */
export interface VolumeUse {
  readonly container: string
  readonly volume: string
  readonly mount: MountSetting
}

/** Within a write transaction of the caller; the volume and the container are there. */
export function insertUse(database: Database, { container, volume, mount }: VolumeUse): void {
  database
    .prepare('INSERT INTO volume_uses (container, target, volume, mount) VALUES (?, ?, ?, ?)')
    .run(container, mount.Target, volume, JSON.stringify(mount))
}

/** Where a container has volumes. */
export function usesBy(database: Database, container: string): readonly VolumeUse[] {
  return database.prepare('SELECT * FROM volume_uses WHERE container = ? ORDER BY target').all(container).map(toUse)
}

/** Who has a volume. */
export interface VolumeUser {
  readonly id: string
  readonly name: string
  readonly state: string
  /** Its processes see the directory as it is now. */
  readonly mounted: boolean
  /** Mounted, or about to be by a command that has looked already. */
  readonly busy: boolean
}

export function usersOf(database: Database, volume: string): readonly VolumeUser[] {
  const rows = database
    .prepare(
      `SELECT id, name, state, owner_pid, owner_start FROM containers
       WHERE id IN (SELECT container FROM volume_uses WHERE volume = ?) ORDER BY created_at, name`,
    )
    .all(volume)
  return rows.map(toUser)
}

function toUser(row: Row): VolumeUser {
  const state = row['state'] as string
  const mounted = state !== 'created' && state !== 'exited'
  const owner = { pid: row['owner_pid'] as number, startTime: row['owner_start'] as number }
  const busy = mounted || (row['owner_pid'] !== null && isAlive(owner))
  return { id: row['id'] as string, name: row['name'] as string, state, mounted, busy }
}

/** The volume whose directory still has this name. */
export function volumeMovedFrom(database: Database, name: string): VolumeRecord | undefined {
  const row = database.prepare('SELECT * FROM volumes WHERE moved_from = ?').get(name)
  return row === undefined ? undefined : toVolume(row)
}

/** Within a write transaction of the caller; the new name is free. Settings of containers that have it follow. */
export function moveVolume(database: Database, from: string, to: string): void {
  database.prepare('UPDATE volumes SET name = ?, moved_from = ?, anonymous = 0 WHERE name = ?').run(to, from, from)
  const uses = database.prepare(
    "UPDATE volume_uses SET mount = json_set(mount, '$.Source', ?1) WHERE volume = ?1 AND json_extract(mount, '$.Source') = ?2",
  )
  uses.run(to, from)
  const rows = database
    .prepare('SELECT id, config FROM containers WHERE id IN (SELECT container FROM volume_uses WHERE volume = ?)')
    .all(to)
  for (const { id, config } of rows as { id: string; config: string }[])
    database.prepare('UPDATE containers SET config = ? WHERE id = ?').run(withSource(config, from, to), id)
  insertVolumeEvent(database, to, { action: 'rename', oldName: from })
}

/** @param config - a container's settings as JSON */
function withSource(config: string, from: string, to: string): string {
  const settings = JSON.parse(config) as { host: { Mounts: MountSetting[] } }
  for (const mount of settings.host.Mounts) if (mount.Type === 'volume' && mount.Source === from) mount.Source = to
  return JSON.stringify(settings)
}

/** Its directory has the new name. */
export function clearMovedFrom(database: Database, name: string): void {
  database.prepare('UPDATE volumes SET moved_from = NULL WHERE name = ?').run(name)
}

function toVolume(row: Row): VolumeRecord {
  return {
    name: row['name'] as string,
    driver: row['driver'] as string,
    labels: JSON.parse(row['labels'] as string) as Record<string, string>,
    options: JSON.parse(row['options'] as string) as Record<string, string>,
    anonymous: row['anonymous'] === 1,
    createdAtMs: row['created_at'] as number,
    ...(row['moved_from'] !== null && { movedFrom: row['moved_from'] as string }),
  }
}

function toUse(row: Row): VolumeUse {
  return {
    container: row['container'] as string,
    volume: row['volume'] as string,
    mount: JSON.parse(row['mount'] as string) as MountSetting,
  }
}
