/** Whoever changes what is installed does it alone: what one reads, no other changes before it is written back. */
import { type Paths, statePath } from '../paths.ts'
import { openDatabase } from '../state/database.ts'
import { acquireLock } from '../state/lock.ts'

/** `npm-plugins` is held while npm works, `plugins` for moments. */
export async function alone<T>(paths: Paths, name: 'npm-plugins' | 'plugins', work: () => T | Promise<T>): Promise<T> {
  const database = openDatabase(statePath(paths))
  try {
    using _lock = await acquireLock(database, name)
    return await work()
  } finally {
    database.close()
  }
}
