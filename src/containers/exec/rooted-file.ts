/**
 * Reads a file below a directory that somebody hostile is changing at this moment: the root of a running container.
 * Each part of the path is opened by itself, relative to the descriptor of the one before, and a symbolic link is
 * followed by its text, from that directory or that root. So nothing can lead out, and nothing can be exchanged between
 * a look and an open.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs'

/** Only names the file: opening it does nothing to a device, a pipe or a link. Node has no name for it. */
const O_PATH = 0o10000000
const MAX_LINKS = 40

/**
 * @param root - a descriptor of the directory; it stays open
 * @param path - below it, wherever it starts
 * @returns undefined when it is missing, no regular file, or larger than `maxBytes`
 */
export function readRootedFile(root: number, path: string, maxBytes: number): string | undefined {
  const opened: number[] = []
  try {
    const found = walk(root, path, opened)
    return found === undefined ? undefined : readRegular(found, maxBytes)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  } finally {
    for (const descriptor of opened) closeSync(descriptor)
  }
}

/** What is wrong inside is, to us, not there. */
function isMissing(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EINVAL', 'ELOOP', 'ENXIO', 'ENAMETOOLONG', 'EIO'].includes(code)
}

/** @param opened - collects the descriptors, for the caller to close */
function walk(root: number, path: string, opened: number[]): number | undefined {
  let above: number[] = [root]
  let pending = partsOf(path)
  for (let links = 0; pending.length > 0; ) {
    const [part = '', ...rest] = pending
    const here = above.at(-1) ?? root
    pending = rest
    if (part === '..') {
      if (above.length > 1) above = above.slice(0, -1)
      continue
    }
    const name = `/proc/self/fd/${here}/${part}`
    const descriptor = openSync(name, O_PATH | constants.O_NOFOLLOW)
    opened.push(descriptor)
    if (!fstatSync(descriptor).isSymbolicLink()) {
      above.push(descriptor)
      continue
    }
    links += 1
    if (links > MAX_LINKS) return undefined
    const target = readlinkSync(name)
    if (target.startsWith('/')) above = [root]
    pending = [...partsOf(target), ...pending]
  }
  return above.at(-1)
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

function readRegular(found: number, maxBytes: number): string | undefined {
  const { size } = fstatSync(found)
  if (!fstatSync(found).isFile() || size > maxBytes) return undefined
  const descriptor = openSync(`/proc/self/fd/${found}`, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const buffer = Buffer.alloc(size)
    let length = 0
    for (let count = -1; count !== 0 && length < size; length += count)
      count = readSync(descriptor, buffer, length, size - length, null)
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(descriptor)
  }
}
