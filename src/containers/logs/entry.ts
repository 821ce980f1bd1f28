/** One line of docker's json-file log. */

export interface StoredEntry {
  readonly timeNs: bigint
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** An entry holds at most 16 KiB, each byte of which may become six. */
export const MAX_LINE_BYTES = 256 * 1024

/** @returns undefined for a line that is damaged: a power failure cuts lines, a full disk mixes them */
export function parseEntry(line: string): StoredEntry | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { log, stream, time } = value as Readonly<Record<string, unknown>>
  if (typeof log !== 'string' || typeof time !== 'string') return undefined
  const timeNs = parseNanoseconds(time)
  if (timeNs === undefined) return undefined
  return { text: log, stream: stream === 'stderr' ? 'stderr' : 'stdout', timeNs }
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** RFC 3339 with up to nine digits behind the point. */
export function parseNanoseconds(text: string): bigint | undefined {
  const match = TIME.exec(text)
  if (match === null) return undefined
  const seconds = Date.parse(`${match[1]}${match[3]}`)
  return Number.isNaN(seconds) ? undefined : BigInt(seconds) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'))
}
