/** The `pid` file of a supervisor: who runs, for whoever finds a start that was cut short. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessIdentity } from '../util/process-identity.ts'

/** @returns undefined when the supervisor has not started its container yet, or its files are gone */
export function readPidRecord(
  runDirectory: string,
): { supervisor: ProcessIdentity; process: ProcessIdentity } | undefined {
  let text: string
  try {
    text = readFileSync(join(runDirectory, 'pid'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const number = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(text)?.[1])
  const supervisor = { pid: number('supervisor'), startTime: number('supervisorStart') }
  const process = { pid: number('container'), startTime: number('containerStart') }
  return Object.values({ ...supervisor, ...process }).every(Number.isFinite) ? { supervisor, process } : undefined
}
