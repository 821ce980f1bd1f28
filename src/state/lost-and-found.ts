/** Where a repair puts what it must not delete: it may be somebody's data, and only they can tell. */
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from '../paths.ts'

/** Moves a file or directory of the data root to `lost+found/NAME` below it. @returns where it is now */
export function setAside(paths: Paths, path: string, name: string): string {
  const directory = join(paths.root, 'lost+found')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  let target = join(directory, name)
  for (let number = 2; existsSync(target); number += 1) target = join(directory, `${name}.${number}`)
  renameSync(path, target)
  return target
}
