/** Removes a directory tree, whoever owns what is in it. */
import { rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { openApplier } from './apply.ts'
import { readIdMappings } from './id-mappings.ts'

/** Idempotent. Files of a rootless container's other users are removed inside its user namespace. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (process.geteuid?.() === 0 || (code !== 'EACCES' && code !== 'EPERM')) throw error
    await using applier = openApplier(dirname(path), { idMaps: readIdMappings() })
    applier.remove(basename(path))
    await applier.finish()
  }
}
