/**
 * Collection: removes content that no image holds and nobody alive has leased. What to remove is decided in a write
 * transaction, and so is every lease; blobs are unlinked inside it. Snapshots take longer to remove: they are locked inside
 * it, and whoever leases one later waits for that lock before looking whether it exists.
 */
import { readdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Digest, isDigest, parseDigest } from '../oci/digest.ts'
import { transaction } from '../state/database.ts'
import { type Lock, tryLockInside } from '../state/lock.ts'
import { readProcessIdentity } from '../util/process-identity.ts'
import { blobPath, listBlobs, partialDirectory } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { openHeld } from './held.ts'
import { leasedKeys } from './leases.ts'

export interface Collected {
  /** Chain ids, top-most last. */
  readonly snapshots: readonly Digest[]
  readonly blobs: readonly Digest[]
  readonly reclaimedBytes: number
}

/** Idempotent, safe at any time beside anything. With `partials` downloads that were cut off are given up as well. */
export async function collect(
  context: ImageContext,
  options: { readonly partials?: boolean } = {},
): Promise<Collected> {
  const { database, snapshots } = context
  const onDisk = await snapshots.list()
  const { blobs, condemned } = transaction(database, () => {
    forgetDoomedImages(context)
    return { blobs: unlinkBlobs(context), condemned: lockSnapshots(context, onDisk) }
  })
  let reclaimedBytes = [...blobs, ...condemned].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  for (const { chainID, lock } of condemned) {
    using _ = lock
    await snapshots.remove(chainID)
  }
  reclaimedBytes += sweepPartials(context, options.partials === true)
  return {
    snapshots: condemned.map(({ chainID }) => chainID),
    blobs: blobs.map(({ digest }) => digest),
    reclaimedBytes,
  }
}

/** Images removed while somebody was about to run them: by now a container uses them, or nobody will. */
function forgetDoomedImages({ database, usersOf }: ImageContext): void {
  const leased = leasedKeys(database, 'image')
  for (const { id } of database.prepare('SELECT id FROM images WHERE doomed = 1').all() as { id: string }[]) {
    if (leased.has(id) || usersOf(id).length > 0) continue
    database.prepare('DELETE FROM images WHERE id = ?').run(id)
  }
}

function unlinkBlobs({ database, paths }: ImageContext): readonly { digest: Digest; sizeBytes: number }[] {
  const leased = leasedKeys(database, 'blob')
  const held = openHeld(database)
  const removed: { digest: Digest; sizeBytes: number }[] = []
  const forget = database.prepare('DELETE FROM compressed_layers WHERE blob = ?')
  for (const digest of listBlobs(paths)) {
    if (leased.has(digest) || held.blob(digest)) continue
    const path = blobPath(paths, digest)
    removed.push({ digest, sizeBytes: statSync(path).size })
    unlinkSync(path)
    forget.run(digest)
  }
  return removed
}

interface Condemned {
  readonly chainID: Digest
  readonly lock: Lock
  readonly sizeBytes: number
}

/** Without its row a directory counts as unfinished: one that is half removed when this process dies is made anew. */
function lockSnapshots({ database }: ImageContext, onDisk: readonly Digest[]): readonly Condemned[] {
  const leased = leasedKeys(database, 'snapshot')
  const held = openHeld(database)
  const condemned: Condemned[] = []
  for (const chainID of onDisk) {
    if (leased.has(chainID) || held.snapshot(chainID)) continue
    const lock = tryLockInside(database, `snapshot:${chainID}`)
    if (lock === undefined) continue
    const row = database.prepare('SELECT size_bytes FROM snapshots WHERE chain_id = ?').get(chainID)
    database.prepare('DELETE FROM snapshots WHERE chain_id = ?').run(chainID)
    condemned.push({ chainID, lock, sizeBytes: Number(row?.['size_bytes'] ?? 0) })
  }
  return condemned
}

/** Removes temporary files of dead writers and, where asked for, downloads that nobody is at work on. @returns bytes freed */
function sweepPartials({ database, paths }: ImageContext, downloads: boolean): number {
  return transaction(database, () => {
    const leased = leasedKeys(database, 'blob')
    let freedBytes = 0
    for (const name of readdirSync(partialDirectory(paths))) {
      const digest = `${name.length === 128 ? 'sha512' : 'sha256'}:${name}`
      const abandoned = isDigest(digest)
        ? downloads && !leased.has(parseDigest(digest))
        : readProcessIdentity(Number(name.split('.')[1])) === undefined
      if (!abandoned) continue
      const path = join(partialDirectory(paths), name)
      freedBytes += statSync(path).size
      unlinkSync(path)
    }
    return freedBytes
  })
}
