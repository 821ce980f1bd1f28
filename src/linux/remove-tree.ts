/** Removes a directory tree, whoever owns what is in it. */
import { rmdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { byteString, openApplier } from './apply.ts'
import { readIdMappings } from './id-mappings.ts'

/**
 * Idempotent. Follows no symlink and leaves alone what is mounted in there; no tree is too deep. Files that belong to other
 * users of an ordinary user's namespace are removed inside of it.
 *
 * @throws {ApplyFailed} something cannot be removed
 */
export async function removeTree(path: string): Promise<void> {
  if (await isGone(path)) return
  const idMaps = process.geteuid?.() === 0 ? undefined : readIdMappings()
  await using applier = openApplier(dirname(path), { idMaps })
  applier.remove(byteString(basename(path)))
  await applier.finish()
}

/** Nothing there, or an empty directory: no process is needed for that. */
async function isGone(path: string): Promise<boolean> {
  try {
    await rmdir(path)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
