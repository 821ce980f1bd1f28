/** What a directory holds, where others may remove it at any moment. */
import { readdirSync } from 'node:fs'

/** @returns the names in it; none when it is gone, or was never a directory */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
