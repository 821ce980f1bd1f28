/**
 * A file that holds some space back, for the moment when there is none: without any the database cannot even be opened, and
 * whoever wants to free some by `system prune` could not.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const RESERVE_BYTES = 512 << 10
/** It is made, and made again, only where that costs nobody anything. */
const AMPLE_BYTES = 16 << 20

/** Idempotent. */
export function keepReserve(root: string): void {
  const path = reservePath(root)
  if (existsSync(path)) return
  const { bavail, bsize } = statfsSync(root)
  if (bavail * bsize < AMPLE_BYTES) return
  try {
    writeFileSync(path, randomBytes(RESERVE_BYTES), { mode: 0o600 }) // no file system can compress it
  } catch (error) {
    rmSync(path, { force: true })
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
  }
}

/** @returns whether there was any */
export function releaseReserve(root: string): boolean {
  const path = reservePath(root)
  const held = existsSync(path)
  rmSync(path, { force: true })
  return held
}

function reservePath(root: string): string {
  return join(root, 'reserve')
}
