/**
 * The rows of containers. A state changes only by `advance`: a compare-and-swap in a transaction, so of two commands
 * that want to move the same container one wins, and the other is told.
 */
import { type Database, transaction } from '../state/database.ts'
import { type ProcessIdentity, readProcessIdentity } from '../util/process-identity.ts'
import type { ContainerSettings } from './config.ts'
import { AmbiguousContainer, ContainerNameInUse, ContainerNotFound, StateConflict } from './errors.ts'
import { type ContainerState, statesBefore } from './lifecycle.ts'
import { generateName } from './names.ts'

/** What is stored of the settings, with the image's defaults applied. */
export type StoredSettings = Pick<ContainerSettings, 'config' | 'host' | 'platform'> & {
  /** What is run: entrypoint and arguments. */
  readonly argv: readonly string[]
}

export interface ContainerRecord {
  readonly id: string
  readonly name: string
  /** Image id; undefined for a bare module. */
  readonly image: string | undefined
  readonly imageName: string
  readonly backend: string
  readonly state: ContainerState
  readonly autoRemove: boolean
  readonly settings: StoredSettings
  readonly createdAtMs: number
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly process: ProcessIdentity | undefined
  readonly supervisor: ProcessIdentity | undefined
  /** The command that is creating or starting it. */
  readonly owner: ProcessIdentity | undefined
  /** undefined while it has not ended; -1: ended, but nobody could learn how */
  readonly exitStatus: number | undefined
  readonly oomKilled: boolean
  readonly error: string | undefined
}

/** Columns that may change along with the state. */
export interface RecordChanges {
  readonly process?: ProcessIdentity | undefined
  readonly supervisor?: ProcessIdentity | undefined
  readonly owner?: ProcessIdentity | undefined
  readonly startedAtMs?: number | undefined
  readonly finishedAtMs?: number | undefined
  readonly exitStatus?: number | undefined
  readonly oomKilled?: boolean
  readonly error?: string | undefined
}

export interface NewContainer {
  readonly id: string
  /** empty: one is generated */
  readonly name: string
  readonly image: string | undefined
  readonly imageName: string
  readonly backend: string
  readonly settings: StoredSettings
}

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
    logEvent(database, 'create', { id: container.id, name, image: container.imageName })
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
    const { changes: count } = database
      .prepare(
        `UPDATE containers SET ${names.map((name) => `${name} = ?`).join(', ')}
         WHERE id = ? AND state IN (${from.map(() => '?').join(', ')})`,
      )
      .run(...Object.values(columns), id, ...from)
    if (count === 0) {
      const row = database.prepare('SELECT state FROM containers WHERE id = ?').get(id) as { state: string } | undefined
      if (row === undefined) throw new ContainerNotFound(id)
      throw new StateConflict(id, row.state, to)
    }
    const action = EVENTS[to]
    if (action === undefined) return
    logEvent(database, action, {
      id,
      ...(to === 'exited' && { exitCode: String(changes.exitStatus ?? -1) }),
    })
  })
}

const EVENTS: Partial<Record<ContainerState, string>> = { running: 'start', exited: 'die', paused: 'pause' }

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
  if (changes.oomKilled !== undefined) columns['oom_killed'] = changes.oomKilled ? 1 : 0
  if ('error' in changes) columns['error'] = changes.error ?? null
  return columns
}

/** Forgets a container in state `removing`. Idempotent. */
export function deleteRecord(database: Database, id: string): void {
  transaction(database, () => {
    const { changes } = database.prepare("DELETE FROM containers WHERE id = ? AND state = 'removing'").run(id)
    if (changes !== 0) logEvent(database, 'destroy', { id })
  })
}

/** Within a transaction. */
function logEvent(
  database: Database,
  action: string,
  { id, ...attributes }: { id: string; [key: string]: string },
): void {
  const timeNs = BigInt(Date.now()) * 1_000_000n
  database
    .prepare("INSERT INTO events (time_ns, type, action, actor, attributes) VALUES (?, 'container', ?, ?, ?)")
    .run(timeNs, action, id, JSON.stringify(attributes))
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

/** Newest first. */
export function listRecords(database: Database): ContainerRecord[] {
  return database.prepare('SELECT * FROM containers ORDER BY created_at DESC, rowid DESC').all().map(toRecord)
}

export function recordsOfImage(
  database: Database,
  image: string,
): readonly { readonly id: string; readonly name: string; readonly state: ContainerState }[] {
  const rows = database.prepare('SELECT id, name, state FROM containers WHERE image = ?').all(image)
  return rows as { id: string; name: string; state: ContainerState }[]
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
  }
}

function optional<Value>(value: unknown): Value | undefined {
  return value === null ? undefined : (value as Value)
}

function identityOf(pid: unknown, startTime: unknown): ProcessIdentity | undefined {
  return typeof pid === 'number' && typeof startTime === 'number' ? { pid, startTime } : undefined
}
