/** What collection keeps: content that images are made of, and what the build cache remembers. */
import type { Digest } from '../oci/digest.ts'
import type { Database } from '../state/database.ts'

export interface Held {
  blob(digest: Digest): boolean
  /** @param chainID - its name */
  snapshot(chainID: Digest): boolean
}

/** Leases are not looked at. */
export function openHeld(database: Database): Held {
  const blobs = database.prepare(`SELECT 1 FROM image_blobs WHERE digest = ?1
    UNION ALL SELECT 1 FROM build_layers WHERE blob = ?1 LIMIT 1`)
  const snapshots = database.prepare(`SELECT 1 FROM image_layers WHERE chain_id = ?1
    UNION ALL SELECT 1 FROM build_layers WHERE chain_id = ?1 LIMIT 1`)
  return {
    blob: (digest) => blobs.get(digest) !== undefined,
    snapshot: (chainID) => snapshots.get(chainID) !== undefined,
  }
}
