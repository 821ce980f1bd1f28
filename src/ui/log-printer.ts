/** Prints log entries: as they were written, each stream to its own, with what the user wants in front of the lines. */
import type { LogEntry } from '../containers/types.ts'
import { openPainter } from './colours.ts'
import { nanoTime } from './units.ts'

export interface LogStream {
  readonly isTTY?: boolean | undefined
  write(text: string): boolean
  once(event: 'drain' | 'close', listener: () => void): unknown
}

export interface LogPrinterOptions {
  readonly stdout: LogStream
  readonly stderr: LogStream
  /** Of several containers, whose names go in front of their lines. */
  readonly several: boolean
  readonly timestamps: boolean
  readonly details: boolean
}

/** @returns takes one entry; awaiting it keeps pace with a slow reader */
export function openLogPrinter(options: LogPrinterOptions): (entry: LogEntry) => Promise<void> | undefined {
  const { stdout, stderr, several, timestamps, details } = options
  const painter = openPainter(stdout)
  const prefixes = new Map<string, string>()
  const prefixOf = (name: string): string => {
    const known = prefixes.get(name) ?? painter.paint(`${name} | `, prefixes.size)
    prefixes.set(name, known)
    return known
  }
  /** Whose last entry on a stream ended without a line feed: long lines come in pieces. */
  const open = new Map<LogStream, string>()
  return ({ container, stream, text, timeNs, details: labels }) => {
    const target = stream === 'stdout' ? stdout : stderr
    const before = open.get(target)
    const goesOn = before === container
    const separator = before !== undefined && !goesOn && several ? '\n' : ''
    const prefix = several ? prefixOf(container) : ''
    const front = goesOn
      ? ''
      : prefix + (timestamps ? `${nanoTime(timeNs)} ` : '') + (details ? detailText(labels) : '')
    if (text.endsWith('\n')) open.delete(target)
    else open.set(target, container)
    return target.write(`${separator}${front}${text}`) ? undefined : drained(target)
  }
}

function drained(stream: LogStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('drain', resolve)
    stream.once('close', resolve)
  })
}

/** As docker: `key=value,other=value `, escaped like parts of a URL. */
function detailText(details: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(details).sort(([left], [right]) => (left < right ? -1 : 1))
  return `${pairs.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join(',')} `
}
