/** Removes a directory of ours, whatever a container has put into it. */
import { removeAll } from '../util/remove-all.ts'

/** Idempotent. At once, because a handful of files is gone before a thread would have been found for them. */
export async function removeFiles(path: string): Promise<void> {
  try {
    removeAll(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    const { removeTree } = await import('./remove-tree.ts') // files of an ordinary user's other users
    await removeTree(path)
  }
}
