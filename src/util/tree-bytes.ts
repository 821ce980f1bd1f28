/** How much the files below a directory hold. */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** Sum of the sizes of the files below a directory; 0 when it is not there. Follows no link. */
export async function treeBytes(directory: string): Promise<number> {
  const linked = new Set<string>()
  let sum = 0
  const pending = [directory]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for await (const entry of await openIfThere(path)) {
      const child = join(path, entry.name)
      if (entry.isDirectory()) pending.push(child)
      else if (entry.isFile()) sum += await bytesOf(child, linked)
    }
  }
  return sum
}

async function openIfThere(path: string): Promise<Awaited<ReturnType<typeof opendir>> | []> {
  try {
    return await opendir(path)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

async function bytesOf(path: string, linked: Set<string>): Promise<number> {
  try {
    const { size, nlink, dev, ino } = await lstat(path)
    if (nlink === 1) return size
    const key = `${dev}:${ino}`
    if (linked.has(key)) return 0
    linked.add(key)
    return size
  } catch (error) {
    if (isGone(error)) return 0
    throw error
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
