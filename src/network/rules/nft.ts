/** Where the program is that packet rules are made with. */
import { existsSync } from 'node:fs'
import { NftMissing } from './errors.ts'

const PLACES = ['/usr/sbin/nft', '/sbin/nft', '/usr/bin/nft', '/usr/local/sbin/nft']

export function hasNft(): boolean {
  return PLACES.some((path) => existsSync(path))
}

/** @throws {NftMissing} */
export function findNft(): string {
  const found = PLACES.find((path) => existsSync(path))
  if (found === undefined) throw new NftMissing()
  return found
}
