/** Unpacked layers, one directory for each chain id. A directory with its final name is whole. */
import { mkdir, readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../../linux/remove-tree.ts'
import { type Digest, digestHex, isDigest } from '../../oci/digest.ts'
import type { Paths } from '../../paths.ts'
import { isAlive, readProcessIdentity } from '../../util/process-identity.ts'

export interface Snapshots {
  has(chainID: Digest): Promise<boolean>
  /** `fill` writes into a fresh directory that gets its name only when everything has gone well. */
  create(chainID: Digest, fill: (directory: string) => Promise<void>): Promise<void>
  path(chainID: Digest): string
  remove(chainID: Digest): Promise<void>
  list(): Promise<readonly Digest[]>
}

const PARTIAL = /^[0-9a-f]{64}\.([0-9]+)\.([0-9]+)\.partial$/

export function openSnapshots(paths: Paths): Snapshots {
  const root = join(paths.root, 'snapshots')
  const path = (chainID: Digest) => join(root, digestHex(chainID))
  return {
    path,
    has: async (chainID) => (await stat(path(chainID)).catch(ignoreMissing)) !== undefined,
    create: async (chainID, fill) => {
      await mkdir(root, { recursive: true, mode: 0o711 })
      await sweep(root)
      const partial = `${path(chainID)}.${ownName()}.partial`
      await removeTree(partial)
      await mkdir(partial, { mode: 0o755 })
      try {
        await fill(partial)
        await rename(partial, path(chainID))
      } catch (error) {
        await removeTree(partial)
        throw error
      }
    },
    remove: (chainID) => removeTree(path(chainID)),
    list: async () => {
      const names = (await readdir(root).catch(ignoreMissing)) ?? []
      return names.map((name) => `sha256:${name}`).filter(isDigest)
    },
  }
}

/** What processes that are gone have left behind. */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const match = PARTIAL.exec(name)
    if (match === null) continue
    const [, pid, startTime] = match
    if (!isAlive({ pid: Number(pid), startTime: Number(startTime) })) await removeTree(join(root, name))
  }
}

function ownName(): string {
  const self = readProcessIdentity(process.pid)
  return `${process.pid}.${self?.startTime ?? 0}`
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
