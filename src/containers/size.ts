/** What a container takes on the disk beyond its image. */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { ImageNotFound } from '../images/errors.ts'
import type { ImageStore } from '../images/types.ts'
import { containerDirectory, type Paths } from '../paths.ts'

/** Bytes of the files written into the container. A hard link counts once, what vanishes meanwhile not at all. */
export async function writtenBytes(paths: Paths, id: string): Promise<number> {
  return treeBytes(join(containerDirectory(paths, id), 'upper'))
}

/** Unpacked; 0 when the image was removed by force. */
export async function imageBytes(images: Pick<ImageStore, 'inspect'>, image: string): Promise<number> {
  try {
    return (await images.inspect(image)).Size
  } catch (error) {
    if (error instanceof ImageNotFound) return 0
    throw error
  }
}

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
