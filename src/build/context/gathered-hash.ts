/** A digest of many short texts, which are put together first: each call costs more than hashing the text. */
import { createHash } from 'node:crypto'
import type { ByteString } from '../../linux/apply.ts'

const GATHERED_CHARACTERS = 64 * 1024

export interface GatheredHash {
  add(text: ByteString): void
  /** Hexadecimal. */
  finish(): string
}

export function gatheredHash(): GatheredHash {
  const hash = createHash('sha256')
  let gathered = ''
  return {
    add: (text) => {
      gathered += text
      if (gathered.length < GATHERED_CHARACTERS) return
      hash.update(gathered, 'latin1')
      gathered = ''
    },
    finish: () => hash.update(gathered, 'latin1').digest('hex'),
  }
}
