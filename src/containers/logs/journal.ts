/** Logs that went to the systemd journal, read back by `journalctl`. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { HostUnsupported } from '../../errors.ts'
import type { ContainerRecord } from '../records.ts'
import type { StoredEntry } from './entry.ts'

/** Where the journal takes entries in its native protocol. */
export const JOURNAL_SOCKET = '/run/systemd/journal/socket'

/** @throws {HostUnsupported} this host has no journal */
export function requireJournal(): void {
  if (existsSync(JOURNAL_SOCKET)) return
  throw new HostUnsupported('the log driver journald needs the systemd journal, which this host does not run', {
    hint: 'use --log-driver json-file',
  })
}

export interface JournalRange {
  readonly tail: number | undefined
  readonly follow: boolean
  readonly signal: AbortSignal | undefined
}

const ERROR_PRIORITY = '3'

export async function* journalEntries(
  { id }: Pick<ContainerRecord, 'id'>,
  { tail, follow, signal }: JournalRange,
): AsyncGenerator<StoredEntry> {
  const lines = tail === undefined ? 'all' : String(tail)
  const words = [
    `CONTAINER_ID_FULL=${id}`,
    '--output=json',
    '--quiet',
    `--lines=${lines}`,
    ...(follow ? ['--follow'] : []),
  ]
  const journal = spawn('journalctl', words, { stdio: ['ignore', 'pipe', 'ignore'], ...(signal && { signal }) })
  const failed = new Promise<never>((_, reject) =>
    journal.once('error', (cause) =>
      signal?.aborted ? undefined : reject(new HostUnsupported(`cannot run journalctl: ${cause.message}`, { cause })),
    ),
  )
  failed.catch(() => {}) // raced below
  try {
    const reading = createInterface({ input: journal.stdout })[Symbol.asyncIterator]()
    for (;;) {
      const { done, value } = await Promise.race([reading.next(), failed])
      if (done) return
      const entry = parseJournalEntry(value)
      if (entry !== undefined) yield entry
    }
  } finally {
    journal.kill()
  }
}

/** The journal's JSON: times in microseconds, bytes that are no UTF-8 as a list of numbers. */
export function parseJournalEntry(line: string): StoredEntry | undefined {
  let fields: Readonly<Record<string, unknown>>
  try {
    fields = JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
  const { MESSAGE: message, __REALTIME_TIMESTAMP: time, PRIORITY: priority } = fields
  if (typeof time !== 'string' || !/^\d{1,18}$/.test(time)) return undefined
  const text = Array.isArray(message) ? Buffer.from(message as number[]).toString('utf8') : String(message ?? '')
  const partial = fields['CONTAINER_PARTIAL_MESSAGE'] === 'true'
  return {
    timeNs: BigInt(time) * 1000n,
    stream: priority === ERROR_PRIORITY ? 'stderr' : 'stdout',
    text: partial ? text : `${text}\n`,
  }
}
