/** Where `random_get` takes its bytes. */

/** Loaded when a module asks for the first time, which most never do: it is the largest part of Node's library. */
const crypto = () => process.getBuiltinModule('node:crypto')

export type Random = (bytes: Uint8Array) => void

/** What getrandom gives at once is at most 65536 bytes. */
const PART_BYTES = 65_536

export const systemRandom: Random = (bytes) => {
  const { getRandomValues } = crypto()
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    const part = new Uint8Array(Math.min(PART_BYTES, bytes.length - at))
    bytes.set(getRandomValues(part), at)
  }
}

/** The same bytes for the same seed, and good ones: AES in counter mode over zeros. They are no secret. */
export function seededRandom(seed: string): Random {
  const { createCipheriv, createHash } = crypto()
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16))
  return (bytes) => {
    for (let at = 0; at < bytes.length; at += PART_BYTES)
      bytes.set(cipher.update(Buffer.alloc(Math.min(PART_BYTES, bytes.length - at))), at)
  }
}
