/** Randomness from the kernel, without the 5 ms that loading `node:crypto` takes. */
import { closeSync, openSync, readSync } from 'node:fs'

/** @returns lower-case hexadecimal digits, two for each byte; fit for secrets */
export function randomHex(bytes: number): string {
  const buffer = Buffer.alloc(bytes)
  const source = openSync('/dev/urandom', 'r')
  try {
    for (let filled = 0; filled < bytes; ) filled += readSync(source, buffer, filled, bytes - filled, null)
  } finally {
    closeSync(source)
  }
  return buffer.toString('hex')
}

/** @returns a whole number from 0 up to, not including, `limit` (at most 2³²) */
export function randomBelow(limit: number): number {
  return Math.floor((Number.parseInt(randomHex(6), 16) / 2 ** 48) * limit)
}
