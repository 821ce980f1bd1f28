/** What still refers to a data root that is no more. It is not made again. */
import { existsSync } from 'node:fs'
import { readPaths } from '../paths.ts'

/** @returns false where the data root is there: nothing has been done then */
export async function takeDownRemoved(): Promise<boolean> {
  const paths = readPaths()
  if (existsSync(paths.root)) return false
  const { takeDownLost } = await import('../network/lost.ts')
  await takeDownLost({ paths })
  return true
}
