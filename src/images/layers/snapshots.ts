/**
 * Unpacked layers, one directory for each chain id. A directory with its final name is whole; all others are named after
 * the process that works on them, and are swept when it is gone.
 */
import { statSync } from 'node:fs'
import { chmod, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestHex, isDigest } from '../../oci/digest.ts'
import type { Paths } from '../../paths.ts'
import { isAlive, readProcessIdentity } from '../../util/process-identity.ts'

export interface Snapshots {
  has(chainID: Digest): Promise<boolean>
  /**
   * `fill` writes into a fresh directory that gets its name only when everything has gone well; after a failure nothing is
   * left. Of two that make the same one at once the first wins: callers hold a lock, so that the work is done once.
   */
  create(chainID: Digest, fill: (directory: string) => Promise<void>): Promise<void>
  path(chainID: Digest): string
  /** Idempotent, and atomic: what has begun to go has lost its name before. */
  remove(chainID: Digest): Promise<void>
  /** Those that are whole. Sweeps what dead processes have left. */
  list(): Promise<readonly Digest[]>
}

/** What is being made, or being removed, and by whom. */
const UNFINISHED = /^[0-9a-f]+\.([0-9]+)\.([0-9]+)\.[0-9]+\.partial$/

export function openSnapshots(paths: Paths): Snapshots {
  const root = join(paths.root, 'snapshots')
  const path = (chainID: Digest) => join(root, digestHex(chainID))
  return {
    path,
    has: async (chainID) => statSync(path(chainID), { throwIfNoEntry: false }) !== undefined, // threads take longer
    create: async (chainID, fill) => {
      await makeRoot(root)
      await sweep(root)
      const partial = unfinished(path(chainID))
      try {
        await mkdir(partial, { mode: 0o755 })
        await fill(partial)
        await publish(partial, path(chainID))
      } finally {
        await removeTree(partial)
      }
    },
    remove: async (chainID) => {
      const doomed = unfinished(path(chainID))
      await rename(path(chainID), doomed).catch(ignoreMissing)
      await removeTree(doomed)
    },
    list: async () => {
      await sweep(root)
      const names = (await readdir(root).catch(ignoreMissing)) ?? []
      return names.map((name) => `${name.length === 128 ? 'sha512' : 'sha256'}:${name}`).filter(isDigest)
    },
  }
}

/**
 * Snapshots are spread over the disk. Beside each other they would compete for the same inodes, and right after an image was
 * removed ext4 would pass over each freed one, for each new file: that made a pull six times slower.
 */
async function makeRoot(root: string): Promise<void> {
  // Nobody else may reach the set-user-id programs of images.
  if ((await mkdir(root, { recursive: true, mode: 0o700 })) === undefined) return chmod(root, 0o700)
  const { openApplier } = await import('../../linux/apply.ts')
  await using applier = openApplier(root)
  applier.spread()
  await applier.finish()
}

/** The same layer, made by somebody else meanwhile, is as good. */
async function publish(partial: string, final: string): Promise<void> {
  try {
    await rename(partial, final)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
}

async function sweep(root: string): Promise<void> {
  for (const path of await abandonedSnapshots(root)) await removeTree(path)
}

/** What processes that are gone have left behind. */
export async function abandonedSnapshots(root: string): Promise<readonly string[]> {
  const names = (await readdir(root).catch(ignoreMissing)) ?? []
  return names
    .filter((name) => {
      const [, pid, startTime] = UNFINISHED.exec(name) ?? []
      return pid !== undefined && !isAlive({ pid: Number(pid), startTime: Number(startTime) })
    })
    .map((name) => join(root, name))
}

/** Finished or not. */
export function isSnapshotName(name: string): boolean {
  return UNFINISHED.test(name) || isDigest(`${name.length === 128 ? 'sha512' : 'sha256'}:${name}`)
}

let counter = 0

function unfinished(path: string): string {
  const startTime = readProcessIdentity(process.pid)?.startTime ?? 0
  return `${path}.${process.pid}.${startTime}.${counter++}.partial`
}

async function removeTree(path: string): Promise<void> {
  await (await import('../../linux/remove-tree.ts')).removeTree(path)
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
