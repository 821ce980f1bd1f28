/**
 * The files of one log as one stream of lines: `log.2`, `log.1`, `log`, oldest first. The supervisor renames them while
 * they are read, so a file is its inode, not its name: an open one keeps its content under whatever name.
 */
import { type FileHandle, open } from 'node:fs/promises'

/** More rotated files than anybody keeps; stops the search where a name was taken by something else. */
const MAX_FILES = 1000

export interface LogFile {
  readonly handle: FileHandle
  readonly inode: bigint
}

async function openFile(path: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(path, 'r')
    try {
      return { handle, inode: (await handle.stat({ bigint: true })).ino }
    } catch (error) {
      await handle.close()
      throw error
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Every file there is, oldest first. Newest are opened first: what moves meanwhile is met again under its next name. */
export async function openLogFiles(path: string): Promise<LogFile[]> {
  const files: LogFile[] = []
  for (let index = 0; index < MAX_FILES; index += 1) {
    const file = await openFile(index === 0 ? path : `${path}.${index}`)
    if (file === undefined) {
      if (index > 0) break
    } else if (files.some(({ inode }) => inode === file.inode)) await file.handle.close()
    else files.unshift(file)
  }
  return files
}

/**
 * The file that was begun after this one; undefined while it is still the newest. After more rotations than files are kept it
 * is the oldest that is left.
 */
export async function openNext(path: string, after: LogFile): Promise<LogFile | undefined> {
  const files = await openLogFiles(path)
  const at = files.findIndex(({ inode }) => inode === after.inode)
  const next = files[at + 1]
  for (const file of files) if (file !== next) await file.handle.close()
  return next
}
