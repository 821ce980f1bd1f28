/** Keys of steps: the digest of all that their result depends on. */
import { createHash } from 'node:crypto'

/** Changes when what a step of the same words makes has changed. */
const VERSION = 3

/** @param parts - anything JSON can say; the order counts */
export function stepKey(kind: string, parts: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([VERSION, kind, ...parts]))
    .digest('hex')
}
