import type { ContainerId } from '../plugins/contract.ts'
import { randomHex } from '../util/random.ts'

const SHORT_DIGITS = 12

/**
 * A name that no other container has. Its beginning is the host name inside and holds a letter: digits alone would be an address
 * to the C library, which then looks for no name.
 */
export function newContainerId(random: (bytes: number) => string = randomHex): ContainerId {
  for (;;) {
    const id = random(32)
    if (/[a-f]/.test(id.slice(0, SHORT_DIGITS))) return id as ContainerId
  }
}
