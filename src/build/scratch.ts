/** Directories that a build works in. They are named after its process, and swept by the next build when that is gone. */
import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { removeTree } from '../linux/remove-tree.ts'
import type { Paths } from '../paths.ts'
import { thisProcess } from '../state/lock.ts'
import { isAlive } from '../util/process-identity.ts'

const NAME = /^([0-9]+)\.([0-9]+)\.[0-9]+$/

let counter = 0

export interface Scratch extends AsyncDisposable {
  readonly path: string
}

/** A fresh directory on the file system of the layers, and gone with all that is in it when it is disposed of. */
export function makeScratch(paths: Paths): Scratch {
  return makeIn(scratchRoot(paths))
}

/** The same where nothing survives a boot, and nothing of it ever gets to a disk where the run root is memory. */
export function makeSecretDirectory(paths: Paths): Scratch {
  return makeIn(secretRoot(paths))
}

function makeIn(root: string): Scratch {
  mkdirSync(root, { recursive: true, mode: 0o700 })
  chmodSync(root, 0o700)
  const { pid, startTime } = thisProcess()
  const path = join(root, `${pid}.${startTime}.${counter++}`)
  freshDirectory(path, 0o711)
  return { path, [Symbol.asyncDispose]: () => removeTree(path) }
}

/** With this mode, whatever mask the user has: commands and layers see it. */
export function freshDirectory(path: string, mode: number): void {
  mkdirSync(path)
  chmodSync(path, mode)
}

/** Before the first scratch directory of a process: a place for them, without what builds that were killed have left. */
export async function prepareScratch(paths: Paths): Promise<void> {
  await makeRoot(scratchRoot(paths))
  for (const root of [scratchRoot(paths), secretRoot(paths)]) {
    for (const name of namesIn(root)) {
      const [, pid, startTime] = NAME.exec(name) ?? []
      if (pid === undefined || isAlive({ pid: Number(pid), startTime: Number(startTime) })) continue
      await removeTree(join(root, name))
    }
  }
}

/** Spread over the disk, as snapshots are and for their reason: what is written here becomes one. */
async function makeRoot(root: string): Promise<void> {
  if (mkdirSync(root, { recursive: true, mode: 0o700 }) === undefined) return
  const { openApplier } = await import('../linux/apply.ts')
  await using applier = openApplier(root)
  applier.spread()
  await applier.finish()
}

const scratchRoot = (paths: Paths): string => join(paths.root, 'build', 'work')
const secretRoot = (paths: Paths): string => join(paths.run, 'build')

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
