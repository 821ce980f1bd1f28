/** What a supervisor leaves on disk when its container has ended (native/records.c). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ExitRecord {
  /** 0–255; 128 + n if signal n ended the process. */
  readonly status: number
  readonly signal: number
  readonly oomKilled: boolean
  /** nanoseconds since the epoch */
  readonly finishedAtNs: bigint
  /** Why the program never ran; undefined when it did. */
  readonly error?: string
}

/** The record of a container's end; undefined while there is none. */
export function readExitRecord(stateDirectory: string): ExitRecord | undefined {
  try {
    return parseExitRecord(readFileSync(join(stateDirectory, 'exit'), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** @returns undefined when a crash of the machine left it empty or cut: nothing is known, least of all success */
export function parseExitRecord(text: string): ExitRecord | undefined {
  const field = (name: string) => new RegExp(`^${name}=(\\d+)$`, 'm').exec(text)?.[1]
  const status = field('status')
  const finished = field('finished')
  if (status === undefined || finished === undefined || Number(status) > 255) return undefined
  const error = /^error=(.+)$/m.exec(text)?.[1]
  return {
    status: Number(status),
    signal: Number(field('signal') ?? 0),
    oomKilled: field('oom') === '1',
    finishedAtNs: BigInt(finished),
    ...(error !== undefined && { error }),
  }
}
