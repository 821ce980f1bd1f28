/** Whose something in the kernel is. Apart, because not every start can wait for `node:crypto`. */
import { createHash } from 'node:crypto'
import type { NetworkRoom } from './room.ts'

/** The mark of this data root on what it has in the kernel. */
export function ownerOf({ paths }: Pick<NetworkRoom, 'paths'>): string {
  return createHash('sha256').update(paths.root).digest('hex').slice(0, 16)
}
