/** How much is in an unpacked layer, counted as it was when it was unpacked. */
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'

export interface TreeSize {
  /** Of regular files; several names of one file count once. */
  readonly sizeBytes: number
  /** With the root, without whiteouts. */
  readonly fileCount: number
}

const SLASH = Buffer.from('/')

/** Names may be any bytes, and symlinks are not followed. @returns undefined when this user may not see all of it */
export async function measureTree(root: string): Promise<TreeSize | undefined> {
  const seen = new Set<number>()
  let sizeBytes = 0
  let fileCount = 1
  try {
    for await (const { entry, path } of walk(Buffer.from(root))) {
      if (entry.isDirectory() || entry.isSymbolicLink()) {
        fileCount += 1
        continue
      }
      const { ino, size, rdev } = await lstat(path)
      const whiteout = entry.isCharacterDevice() && rdev === 0
      fileCount += whiteout ? 0 : 1
      if (entry.isFile() && !seen.has(ino)) sizeBytes += size
      seen.add(ino)
    }
  } catch (error) {
    if (UNKNOWABLE.has(String((error as NodeJS.ErrnoException).code))) return undefined
    throw error
  }
  return { sizeBytes, fileCount }
}

/** Not ours to see, or collected meanwhile. */
const UNKNOWABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENOENT'])

async function* walk(root: Buffer): AsyncGenerator<{ readonly entry: Dirent<Buffer>; readonly path: Buffer }> {
  const pending = [root]
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of await readdir(directory, { withFileTypes: true, encoding: 'buffer' })) {
      const path = Buffer.concat([directory, SLASH, entry.name])
      if (entry.isDirectory()) pending.push(path)
      yield { entry, path }
    }
  }
}
