/** The processes of a container, by its record. */
import { join } from 'node:path'
import { openDatabase } from '../../src/state/database.ts'
import type { Coracle } from './coracle.ts'

/** @returns the process ids of its first process and of the supervisor above it, as the host counts */
export function processesOf(coracle: Coracle, name: string): { readonly pid: number; readonly supervisor: number } {
  const database = openDatabase(join(coracle.directory, 'root/state.db'))
  try {
    const row = database.prepare('SELECT pid, supervisor_pid FROM containers WHERE name = ?').get(name)
    return { pid: Number(row?.['pid']), supervisor: Number(row?.['supervisor_pid']) }
  } finally {
    database.close()
  }
}
