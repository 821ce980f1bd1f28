/** `events`: rows of the database, in the order they happened, and on as they are written. */
import { statePath } from '../../paths.ts'
import { latestEvent, readEvents, type StoredEvent } from '../../state/events.ts'
import { splitFilter } from '../../util/filters.ts'
import { parseMoment } from '../../util/moment.ts'
import { watchPath } from '../../util/watch.ts'
import type { SystemRoom } from './room.ts'
import type { EngineEvent, EventOptions } from './types.ts'

const PAGE = 500
/** Where changes of the database file are not announced, they are seen so much later. */
const POLL_MS = 250

/** See `SystemEngine.events`. @throws {InvalidArgument} a filter or a moment */
export async function* followEvents(room: SystemRoom, options: EventOptions): AsyncGenerator<EngineEvent> {
  const { untilNs, isWanted } = parseOptions(options)
  let sequence = options.since === undefined ? latestEvent(room.database) : 0
  using changes = watchDatabase(statePath(room.paths))
  while (options.signal?.aborted !== true) {
    // Asked before the look: what is written until then is found by it.
    const over = untilNs !== undefined && nowNs() > untilNs
    for (let page = readEvents(room.database, sequence, PAGE); page.length > 0; ) {
      for (const event of page) {
        sequence = event.sequence
        if (isWanted(event)) yield toEvent(event)
      }
      page = readEvents(room.database, sequence, PAGE)
    }
    if (over) return
    await changes.next(options.signal)
  }
}

function parseOptions({ filters, since, until }: EventOptions) {
  const matches = parseEventFilters(filters)
  const sinceNs = momentNs(since, 'since')
  const untilNs = momentNs(until, 'until')
  const inRange = (timeNs: bigint) => timeNs >= (sinceNs ?? 0n) && (untilNs === undefined || timeNs <= untilNs)
  return { untilNs, isWanted: (event: StoredEvent) => inRange(event.timeNs) && matches(event) }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

function momentNs(text: string | undefined, flag: string): bigint | undefined {
  return text === undefined ? undefined : BigInt(Math.round(parseMoment(text, flag) * 1000)) * 1000n
}

function toEvent({ type, action, actor, attributes, timeNs }: StoredEvent): EngineEvent {
  return { type, action, id: actor, attributes, timeNs }
}

interface Changes extends Disposable {
  next(signal: AbortSignal | undefined): Promise<void>
}

/** Every commit writes the file beside the database that SQLite calls WAL. */
function watchDatabase(path: string): Changes {
  let changed = false
  let wake = () => {}
  const notice = () => {
    changed = true
    wake()
  }
  const watcher = watchPath(`${path}-wal`, notice)
  return {
    next: async (signal) => {
      if (!changed) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = () => resolve()
        const timer = setTimeout(wake, POLL_MS)
        signal?.addEventListener('abort', wake, { once: true })
        await promise
        signal?.removeEventListener('abort', wake)
        clearTimeout(timer)
      }
      changed = false
    },
    [Symbol.dispose]: () => watcher.close(),
  }
}

type Test = (event: StoredEvent, value: string) => boolean

const OBJECTS = ['container', 'image', 'network', 'volume', 'plugin'] as const

const TESTS: Readonly<Record<string, Test>> = {
  type: ({ type }, value) => type === value,
  // `exec_start` finds `exec_start: sh -c …`, `health_status` every `health_status: healthy`
  event: ({ action }, value) => action === value || action.startsWith(`${value}:`),
  action: ({ action }, value) => action === value || action.startsWith(`${value}:`),
  label: ({ attributes }, value) => {
    const equals = value.indexOf('=')
    const key = equals === -1 ? value : value.slice(0, equals)
    return Object.hasOwn(attributes, key) && (equals === -1 || attributes[key] === value.slice(equals + 1))
  },
  daemon: () => true,
  scope: (_, value) => value === 'local',
  ...Object.fromEntries(
    OBJECTS.map((type) => [type, (event: StoredEvent, value: string) => isAbout(event, type, value)]),
  ),
}

/** By id, prefix of an id or name; images also by the name that a container was made of. */
function isAbout(event: StoredEvent, type: (typeof OBJECTS)[number], value: string): boolean {
  const { actor, attributes } = event
  if (type === 'image' && event.type === 'container') return withoutTag(attributes['image']) === withoutTag(value)
  if (event.type !== type) return false
  return actor.startsWith(value) || attributes['name'] === value || withoutTag(attributes['name']) === value
}

function withoutTag(name: string | undefined): string | undefined {
  return name?.replace(/:[^/:]*$/, '')
}

/** Values of one key are alternatives, different keys must all hold. @throws {InvalidArgument} */
export function parseEventFilters(filters: readonly string[]): (event: StoredEvent) => boolean {
  const byKey = new Map<string, string[]>()
  for (const filter of filters) {
    const { key, value } = splitFilter(filter, Object.keys(TESTS))
    byKey.set(key, [...(byKey.get(key) ?? []), value])
  }
  return (event) => [...byKey].every(([key, values]) => values.some((value) => TESTS[key]?.(event, value)))
}
