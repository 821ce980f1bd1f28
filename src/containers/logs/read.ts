/** `logs`: of one container or several, from the past, and on as they are written. */
import { InvalidArgument } from '../../errors.ts'
import { parseMoment } from '../../util/moment.ts'
import { LogsUnreadable } from '../errors.ts'
import { findContainer } from '../find.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { LogEntry, LogOptions } from '../types.ts'
import { detailsOf } from './details.ts'
import { followGrowth } from './follow.ts'
import { journalEntries } from './journal.ts'
import { LogLines } from './lines.ts'
import { mergeByTime, mergeLive } from './merge.ts'
import { logPath } from './path.ts'

interface Range {
  readonly tail: number | undefined
  readonly sinceNs: bigint | undefined
  readonly untilNs: bigint | undefined
  readonly follow: boolean
  readonly signal: AbortSignal | undefined
}

/** See `ContainerEngine.logs`. */
export async function* readLogs(
  room: ContainerRoom,
  names: readonly string[],
  options: LogOptions,
): AsyncGenerator<LogEntry> {
  const range = parseRange(options)
  const sources: Source[] = []
  for (const name of names) sources.push(openSource(room, await findContainer(room, name), range))
  const [only, ...others] = sources
  if (only === undefined) return
  if (others.length === 0) {
    yield* only.past()
    if (range.follow) yield* only.live()
    return
  }
  yield* mergeByTime(sources.map((source) => source.past()))
  if (range.follow) yield* mergeLive(sources.map((source) => source.live()))
}

/** The past ends where the live part begins: nothing is lost or doubled between them. */
interface Source {
  past(): AsyncGenerator<LogEntry>
  live(): AsyncGenerator<LogEntry>
}

/** @throws {LogsUnreadable} its driver keeps none */
function openSource(room: ContainerRoom, record: ContainerRecord, range: Range): Source {
  const driver = record.settings.host.LogConfig.Type
  if (driver === 'journald') return journalSource(record, range)
  const path = logPath(room.paths, record)
  if (path === undefined) throw new LogsUnreadable(record.name, driver)
  let lines: Promise<LogLines> | undefined
  const opened = () => (lines ??= LogLines.open(path, range.tail))
  return {
    past: async function* past() {
      const reader = await opened()
      try {
        yield* select(reader.read(), record, range)
      } finally {
        if (!range.follow) await reader.close()
      }
    },
    live: async function* live() {
      const reader = await opened()
      const growth = await followGrowth(room, record, { path, signal: range.signal })
      try {
        for (;;) {
          const last = growth.over // before the look at the file: what came until then is in it
          yield* select(reader.read(), record, range)
          if (last || isOver(range)) return
          await growth.next()
        }
      } finally {
        growth.close()
        await reader.close()
      }
    },
  }
}

/** With `--until` a moment comes after which nothing that is written can be shown. */
function isOver({ untilNs, signal }: Range): boolean {
  return signal?.aborted === true || (untilNs !== undefined && BigInt(Date.now()) * 1_000_000n > untilNs)
}

async function* select(
  entries: AsyncIterable<{ readonly timeNs: bigint; readonly stream: 'stdout' | 'stderr'; readonly text: string }>,
  record: ContainerRecord,
  { sinceNs, untilNs, signal }: Range,
): AsyncGenerator<LogEntry> {
  const details = detailsOf(record.settings)
  for await (const entry of entries) {
    if (signal?.aborted) return
    if (sinceNs !== undefined && entry.timeNs < sinceNs) continue
    if (untilNs !== undefined && entry.timeNs > untilNs) continue
    yield { ...entry, container: record.name, details }
  }
}

function journalSource(record: ContainerRecord, range: Range): Source {
  return {
    past: () => select(journalEntries(record, { ...range, follow: false }), record, range),
    live: () => select(journalEntries(record, { ...range, tail: 0, follow: true }), record, range),
  }
}

function parseRange({ follow = false, tail, since, until, signal }: LogOptions): Range {
  return {
    tail: parseTail(tail),
    sinceNs: since === undefined ? undefined : toNanoseconds(parseMoment(since, 'since')),
    untilNs: until === undefined ? undefined : toNanoseconds(parseMoment(until, 'until')),
    follow,
    signal,
  }
}

function toNanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n
}

/** As docker: what is no number means all of them; so does a negative one. */
function parseTail(text: string | undefined): number | undefined {
  if (text === undefined || text === 'all' || text === '') return undefined
  if (!/^-?\d{1,15}$/.test(text))
    throw new InvalidArgument(`invalid tail value: ${text}`, { hint: 'write a number, or all' })
  const count = Number(text)
  return count < 0 ? undefined : count
}
