/** Content digests (image-spec, descriptor.md#digests). */
import { createHash } from 'node:crypto'
import { InvalidArgument } from '../errors.ts'

declare const digestBrand: unique symbol

/** `sha256:<64 hex>` or `sha512:<128 hex>`; a value of this type has been checked, so paths may be made of it. */
export type Digest = string & { readonly [digestBrand]: true }

export type DigestAlgorithm = 'sha256' | 'sha512'

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text)
}

/** @throws {InvalidArgument} `text` is not a sha256 or sha512 digest */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new InvalidArgument(`invalid digest ${JSON.stringify(text.slice(0, 160))}`, {
    hint: 'a digest is sha256: and 64 lower-case hexadecimal digits',
  })
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** The canonical (sha256) digest of `bytes`. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
}
