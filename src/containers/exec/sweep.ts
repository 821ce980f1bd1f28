/** What is left of a `debug` beside a stopped container whose command and supervisor were both killed: found by the next one. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from '../../paths.ts'
import { isAlive } from '../../util/process-identity.ts'
import { removeAll } from '../../util/remove-all.ts'
import { destroyGroups } from '../host.ts'
import { readPidRecord } from '../pid-record.ts'
import { stoppedGroup, stoppedRunDirectories } from './run-directory.ts'

/** One without a record of processes may just be starting. */
const YOUNG_MS = 60_000

export async function sweepStopped(paths: Paths): Promise<void> {
  const parent = stoppedRunDirectories(paths)
  if (!existsSync(parent)) return
  for (const name of readdirSync(parent)) {
    const directory = join(parent, name)
    if (isInUse(directory)) continue
    await destroyGroups(stoppedGroup(name))
    removeAll(directory)
  }
}

function isInUse(directory: string): boolean {
  const stats = statSync(directory, { throwIfNoEntry: false })
  if (stats === undefined) return true // its owner has just removed it
  const record = readPidRecord(directory)
  return record === undefined ? Date.now() - stats.mtimeMs < YOUNG_MS : isAlive(record.supervisor)
}
