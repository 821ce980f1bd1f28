/** A process identified by pid and start time, so that a reused pid is never mistaken for it. */
import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTime: number
}

/** The identity of a live process; undefined when there is none with that pid (a zombie counts as dead). */
export function readProcessIdentity(pid: number): ProcessIdentity | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  const [state = ''] = statFields(stat)
  if (state === 'Z' || state === 'X') return undefined
  return { pid, startTime: parseStartTime(stat) }
}

/** @param stat - the text of /proc/PID/stat */
export function parseStartTime(stat: string): number {
  return Number(statFields(stat)[19])
}

/** From the third field, the state, on. The name before it may hold spaces and parentheses: counted from its last one. */
export function statFields(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

export function isAlive(identity: ProcessIdentity): boolean {
  return readProcessIdentity(identity.pid)?.startTime === identity.startTime
}
