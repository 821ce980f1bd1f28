/** The id of a network that has no row. Apart, because not every start can wait for `node:crypto`. */
import { createHash } from 'node:crypto'
import type { NetworkRoom } from './room.ts'

/** The same after each boot, and different for each data root. */
export function madeUpId({ paths }: Pick<NetworkRoom, 'paths'>, name: string): string {
  return createHash('sha256').update(`${paths.root} ${name}`).digest('hex')
}
