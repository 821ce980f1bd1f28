/**
 * A directory's entries as `fd_readdir` tells them. The specification wants the number of each, which Node tells one call at a time:
 * what was found out is kept for as long as the directory has not changed, because whatever puts another file under a name changes
 * its time of change. The names are asked for each time, whatever is kept.
 */
import { FILE_TYPE } from './abi.ts'
import type { Directory, DirectoryEntry, FileStatus } from './files.ts'

export interface Listing {
  /** One entry after the other; each says at which cookie the next begins. */
  readonly bytes: Buffer
  /** Where each begins, by its cookie. */
  readonly starts: readonly number[]
}

/** Longer than the kernel's clock for files stands still: a change after a look has another time than all that is older. */
const SETTLED_NS = 100_000_000n
const MAX_DIRECTORIES = 1024
const MAX_BYTES = 1 << 20
const HEAD_BYTES = 24

interface Kept {
  readonly changedNs: bigint
  readonly names: readonly string[]
  readonly listing: Listing
}

const kept = new Map<string, Kept>()
let keptBytes = 0

/** Its numbers, too, are of this moment. Of what is gone by now they are 0. */
export function takeListing(directory: Directory): Listing {
  // First the status: what changes meanwhile makes it old.
  const status = directory.status()
  const key = `${status.device}:${status.inode}`
  const known = kept.get(key)
  if (known?.changedNs === status.changedNs && isSame(known.names, directory.names?.())) return known.listing
  forget(key)
  const entries = directory.entries()
  const listing = encode(entries, (name) => (isDots(name) ? status.inode : inodeIn(directory, name)))
  if (directory.names !== undefined && isSettled(status))
    keep(key, { changedNs: status.changedNs, names: entries.map(({ name }) => name), listing })
  return listing
}

function isSame(names: readonly string[], now: readonly string[] | undefined): boolean {
  return names.length === now?.length && names.every((name, index) => name === now[index])
}

function inodeIn(directory: Directory, name: string): number | bigint {
  return directory.inode?.(name) ?? directory.find(name)?.inode ?? 0
}

/** What `..` is must not be known at the edge: it shows as the directory itself. */
const isDots = (name: string): boolean => name === '.' || name === '..'
const DOTS: readonly DirectoryEntry[] = ['.', '..'].map((name) => ({ name, type: FILE_TYPE.directory }))

function encode(entries: readonly DirectoryEntry[], inodeOf: (name: string) => number | bigint): Listing {
  const all = [...DOTS, ...entries]
  const bytes = Buffer.alloc(all.reduce((sum, { name }) => sum + HEAD_BYTES + Buffer.byteLength(name), 0))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const starts: number[] = []
  let at = 0
  for (const { name, type } of all) {
    starts.push(at)
    const size = bytes.write(name, at + HEAD_BYTES)
    view.setUint32(at, starts.length, true)
    view.setBigUint64(at + 8, BigInt(inodeOf(name)), true)
    view.setUint32(at + 16, size, true)
    view.setUint32(at + 20, type, true)
    at += HEAD_BYTES + size
  }
  return { bytes, starts }
}

function isSettled({ changedNs }: FileStatus): boolean {
  return BigInt(Date.now()) * 1_000_000n - changedNs >= SETTLED_NS
}

const sizeOf = ({ listing }: Kept): number => listing.bytes.length

function keep(key: string, one: Kept): void {
  if (sizeOf(one) > MAX_BYTES) return
  kept.set(key, one)
  keptBytes += sizeOf(one)
  for (const oldest of kept.keys()) {
    if (keptBytes <= MAX_BYTES && kept.size <= MAX_DIRECTORIES) return
    forget(oldest)
  }
}

function forget(key: string): void {
  const one = kept.get(key)
  if (one === undefined) return
  kept.delete(key)
  keptBytes -= sizeOf(one)
}
