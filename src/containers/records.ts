/**
 * The rows of containers. A state changes only by `advance`: a compare-and-swap in a transaction, so of two commands
 * that want to move the same container one wins, and the other is told.
 */
import { type Database, transaction } from '../state/database.ts'
import { type ProcessIdentity, readProcessIdentity } from '../util/process-identity.ts'
import { AmbiguousContainer, ContainerNameInUse, ContainerNotFound, StateConflict } from './errors.ts'
import { insertContainerEvent } from './events.ts'
import { type ContainerState, isActive, statesBefore } from './lifecycle.ts'
import { generateName } from './names.ts'
import type { ContainerRecord, Health, NewContainer, RecordChanges, StoredSettings } from './record.ts'

export type { ContainerRecord, Health, NewContainer, Probe, RecordChanges, StoredSettings } from './record.ts'

/**
 * Stores a container in state `created`, owned by this process.
 *
 * @returns its name
 * @throws {ContainerNameInUse}
 */
export function insertRecord(database: Database, container: NewContainer): string {
  const owner = readProcessIdentity(process.pid)
  return transaction(database, () => {
    const name = freeName(database, container.name)
    database
      .prepare(
        `INSERT INTO containers (id, name, image, image_name, backend, state, auto_remove, config, labels, created_at, owner_pid, owner_start)
         VALUES (?, ?, ?, ?, ?, 'created', ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        container.id,
        name,
        container.image ?? null,
        container.imageName,
        container.backend,
        container.settings.host.AutoRemove ? 1 : 0,
        JSON.stringify(container.settings),
        JSON.stringify(container.settings.config.Labels),
        Date.now(),
        owner?.pid ?? null,
        owner?.startTime ?? null,
      )
    insertContainerEvent(database, container.id, 'create')
    return name
  })
}

function freeName(database: Database, wanted: string): string {
  const holder = database.prepare('SELECT id FROM containers WHERE name = ?')
  if (wanted !== '') {
    const row = holder.get(wanted) as { id: string } | undefined
    if (row !== undefined) throw new ContainerNameInUse(wanted, row.id)
    return wanted
  }
  let name = generateName()
  for (let attempt = 1; holder.get(name) !== undefined; attempt += 1) name = generateName(attempt)
  return name
}

/**
 * Moves a container to `to` if it is in a state that may come before it (or in one of `from`).
 *
 * @throws {StateConflict} it is in another state @throws {ContainerNotFound} it is gone
 */
export function advance(
  database: Database,
  id: string,
  { to, from = statesBefore(to), ...changes }: RecordChanges & { to: ContainerState; from?: readonly ContainerState[] },
): void {
  transaction(database, () => {
    const columns = { state: to, ...changedColumns(changes) }
    const names = Object.keys(columns)
    const row = database.prepare('SELECT state, started_at FROM containers WHERE id = ?').get(id)
    const { changes: count } = database
      .prepare(
        `UPDATE containers SET ${names.map((name) => `${name} = ?`).join(', ')}
         WHERE id = ? AND state IN (${from.map(() => '?').join(', ')})`,
      )
      .run(...Object.values(columns), id, ...from)
    if (count === 0) {
      if (row === undefined) throw new ContainerNotFound(id)
      throw new StateConflict(id, row['state'] as string, to)
    }
    tellOf(database, id, { to, row, changes })
  })
}

/** Ends and starts as docker tells them; `starting` and `stopping` are nobody's business. */
function tellOf(
  database: Database,
  id: string,
  { to, row, changes }: { to: ContainerState; row: Row | undefined; changes: RecordChanges },
): void {
  const from = row?.['state'] as ContainerState
  const ended = to === 'exited' || to === 'restarting'
  if (ended && isActive(from)) {
    if (changes.oomKilled) insertContainerEvent(database, id, 'oom')
    const startedAt = (row?.['started_at'] as number | null) ?? Date.now()
    insertContainerEvent(database, id, 'die', {
      exitCode: String(changes.exitStatus ?? -1),
      execDuration: String(Math.max(0, Math.round(((changes.finishedAtMs ?? Date.now()) - startedAt) / 1000))),
    })
  } else if (to === 'running' && from !== 'stopping')
    insertContainerEvent(database, id, from === 'paused' ? 'unpause' : 'start')
  else if (to === 'paused' && from === 'running') insertContainerEvent(database, id, 'pause')
}

function changedColumns(changes: RecordChanges): Record<string, string | number | null> {
  const columns: Record<string, string | number | null> = {}
  const identity = (prefix: string, value: ProcessIdentity | undefined, start: string) => {
    columns[`${prefix}pid`] = value?.pid ?? null
    columns[`${prefix}${start}`] = value?.startTime ?? null
  }
  if ('process' in changes) identity('', changes.process, 'pid_start')
  if ('supervisor' in changes) identity('supervisor_', changes.supervisor, 'start')
  if ('owner' in changes) identity('owner_', changes.owner, 'start')
  if ('startedAtMs' in changes) columns['started_at'] = changes.startedAtMs ?? null
  if ('finishedAtMs' in changes) columns['finished_at'] = changes.finishedAtMs ?? null
  if ('exitStatus' in changes) columns['exit_status'] = changes.exitStatus ?? null
  if (changes.autoRemove !== undefined) columns['auto_remove'] = changes.autoRemove ? 1 : 0
  if (changes.oomKilled !== undefined) columns['oom_killed'] = changes.oomKilled ? 1 : 0
  if ('error' in changes) columns['error'] = changes.error ?? null
  if (changes.stoppedByUser !== undefined) columns['stopped_by_user'] = changes.stoppedByUser ? 1 : 0
  if (changes.restartCount !== undefined) columns['restart_count'] = changes.restartCount
  if (changes.restartDelayMs !== undefined) columns['restart_delay'] = changes.restartDelayMs
  if ('health' in changes) columns['health'] = changes.health === undefined ? null : JSON.stringify(changes.health)
  return columns
}

/** Columns that change without the state: the settings, the name, the health … @throws {ContainerNotFound} */
export function changeRecord(
  database: Database,
  id: string,
  { name, settings, ...changes }: RecordChanges & { readonly name?: string; readonly settings?: StoredSettings },
): void {
  const columns: Record<string, string | number | null> = {
    ...changedColumns(changes),
    ...(name !== undefined && { name }),
    ...(settings !== undefined && { config: JSON.stringify(settings) }),
  }
  const { changes: count } = database
    .prepare(
      `UPDATE containers SET ${Object.keys(columns)
        .map((column) => `${column} = ?`)
        .join(', ')} WHERE id = ?`,
    )
    .run(...Object.values(columns), id)
  if (count === 0) throw new ContainerNotFound(id)
}

/** Forgets a container in state `removing`. Idempotent. Within a write transaction of the caller. */
export function deleteRecord(database: Database, id: string): void {
  const row = database.prepare("SELECT id FROM containers WHERE id = ? AND state = 'removing'").get(id)
  if (row === undefined) return
  insertContainerEvent(database, id, 'destroy')
  database.prepare('DELETE FROM containers WHERE id = ?').run(id)
}

/** @throws {ContainerNotFound} @throws {AmbiguousContainer} */
export function findRecord(database: Database, nameOrPrefix: string): ContainerRecord {
  const name = nameOrPrefix.replace(/^\//, '')
  const exact = database.prepare('SELECT * FROM containers WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC').get(name)
  if (exact !== undefined) return toRecord(exact)
  if (!/^[0-9a-f]{1,64}$/.test(name)) throw new ContainerNotFound(nameOrPrefix)
  const rows = database.prepare('SELECT * FROM containers WHERE id >= ? AND id < ? LIMIT 20').all(name, `${name}g`)
  const [first, ...others] = rows
  if (first === undefined) throw new ContainerNotFound(nameOrPrefix)
  if (others.length > 0)
    throw new AmbiguousContainer(
      nameOrPrefix,
      rows.map((row) => `${String(row['id']).slice(0, 12)} (${row['name']})`),
    )
  return toRecord(first)
}

export function readRecord(database: Database, id: string): ContainerRecord | undefined {
  const row = database.prepare('SELECT * FROM containers WHERE id = ?').get(id)
  return row === undefined ? undefined : toRecord(row)
}

/** Newest first. @param alive - without those that have stopped, or never started, and are to stay so */
export function listRecords(database: Database, { alive = false } = {}): ContainerRecord[] {
  const chosen = alive ? "WHERE state NOT IN ('created', 'exited') OR auto_remove = 1" : ''
  return database.prepare(`SELECT * FROM containers ${chosen} ORDER BY created_at DESC, rowid DESC`).all().map(toRecord)
}

export function recordsOfImage(
  database: Database,
  image: string,
): readonly { readonly id: string; readonly name: string; readonly state: ContainerState }[] {
  const rows = database.prepare('SELECT id, name, state FROM containers WHERE image = ?').all(image)
  return rows as { id: string; name: string; state: ContainerState }[]
}

/** Names of the networks in anybody's settings. */
export function networksNamed(database: Database): ReadonlySet<string> {
  return new Set(
    listRecords(database).flatMap(({ settings: { host } }) => (host.Networks ?? []).map(({ Name }) => Name)),
  )
}

type Row = Readonly<Record<string, unknown>>

function toRecord(row: Row): ContainerRecord {
  return {
    id: row['id'] as string,
    name: row['name'] as string,
    image: optional<string>(row['image']),
    imageName: row['image_name'] as string,
    backend: row['backend'] as string,
    state: row['state'] as ContainerState,
    autoRemove: row['auto_remove'] === 1,
    settings: JSON.parse(row['config'] as string) as StoredSettings,
    createdAtMs: row['created_at'] as number,
    startedAtMs: optional<number>(row['started_at']),
    finishedAtMs: optional<number>(row['finished_at']),
    process: identityOf(row['pid'], row['pid_start']),
    supervisor: identityOf(row['supervisor_pid'], row['supervisor_start']),
    owner: identityOf(row['owner_pid'], row['owner_start']),
    exitStatus: optional<number>(row['exit_status']),
    oomKilled: row['oom_killed'] === 1,
    error: optional<string>(row['error']),
    stoppedByUser: row['stopped_by_user'] === 1,
    restartCount: row['restart_count'] as number,
    restartDelayMs: row['restart_delay'] as number,
    health: row['health'] === null ? undefined : (JSON.parse(row['health'] as string) as Health),
  }
}

function optional<Value>(value: unknown): Value | undefined {
  return value === null ? undefined : (value as Value)
}

function identityOf(pid: unknown, startTime: unknown): ProcessIdentity | undefined {
  return typeof pid === 'number' && typeof startTime === 'number' ? { pid, startTime } : undefined
}
