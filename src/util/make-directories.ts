/** `mkdir -p`. Node's own never ends where the kernel answers ENOENT below what is there, as in `/proc`. */
import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** @param mode - of those that are made @throws {NodeJS.ErrnoException} EEXIST or ENOTDIR: a file is in the way */
export function makeDirectories(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && isDirectory(path)) return
    const parent = dirname(path)
    if (code !== 'ENOENT' || parent === path) throw error
    makeDirectories(parent, mode)
    makeOne(path, mode)
  }
}

/** Somebody else may make it at the same moment. */
function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST' || !isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
