/**
 * Where files land: a directory that becomes the upper one of an overlay, over layers that are only looked at. What a copy
 * would change of the layers below is made anew here, with the attributes it has there; so nothing need be mounted.
 */
import { lstatSync, readlinkSync } from 'node:fs'
import { posix } from 'node:path'
import { findInLayers } from '../../containers/spec/layer-files.ts'
import { type Applier, type ByteString, byteString, type NodeAttributes } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import type { IdRange } from '../../linux/plan.ts'
import { CopyFailed } from '../errors.ts'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface LandingOptions {
  /** Top-most first; empty: nothing is below. */
  readonly lower: readonly string[]
  readonly applier: Applier
  /** Of directories that are missing on the way. */
  readonly owner: Owner
  readonly mtimeSeconds: number
  /** All that lands comes from one tree, so that no two files want the same place: they need not be remembered. */
  readonly isOneTree?: boolean
}

export type NodeKind = 'directory' | 'other' | 'missing'

export interface Landing {
  /** Makes the directory and those above it where they are missing; the path has no links in it. */
  directory(path: ByteString): void
  /** What is at the path, by the layers below and by what has landed. */
  kindOf(path: ByteString): NodeKind
  /** Notes that a node is put there. @throws {CopyFailed} a directory would replace a file, or a file a directory */
  claim(path: ByteString, isDirectory: boolean): void
  /** Notes that a node replaces whatever is there. */
  note(path: ByteString, isDirectory: boolean): void
}

export function openLanding(options: LandingOptions): Landing {
  const { lower, applier, owner, mtimeSeconds, isOneTree = false } = options
  const landed = new Map<ByteString, boolean>()
  const isFresh = (path: ByteString): boolean => fresh.has(path)
  /** Directories that the layers below do not have: neither have they anything in them. */
  const fresh = new Set<ByteString>()
  const below = (path: ByteString) => {
    if (path !== '' && isFresh(parentOf(path))) return undefined
    return findInLayers(lower, textOf(path), { followLast: false })
  }
  const kindOf = (path: ByteString): NodeKind => {
    if (path === '') return 'directory'
    const known = landed.get(path)
    if (known !== undefined) return known ? 'directory' : 'other'
    const found = below(path)
    if (found === undefined) return 'missing'
    return found.stats.isDirectory() ? 'directory' : 'other'
  }
  const directory = (path: ByteString): void => {
    if (path === '' || landed.get(path) === true) return
    directory(parentOf(path))
    const found = landed.has(path) ? undefined : below(path)
    if (landed.has(path) || (found !== undefined && !found.stats.isDirectory()))
      throw new CopyFailed(`cannot create directory /${textOf(path)}: something else is there`)
    const made = { mode: 0o755, ...owner, mtimeSeconds, mtimeNanoseconds: 0 }
    applier.directory(path, found === undefined ? made : attributesOf(found.path))
    landed.set(path, true)
    if (found === undefined) fresh.add(path)
  }
  return {
    directory,
    kindOf,
    claim: (path, isDirectory) => {
      const kind = kindOf(path)
      if (kind === 'other' && isDirectory) throw new CopyFailed(`cannot copy to non-directory: /${textOf(path)}`)
      if (kind === 'directory' && !isDirectory)
        throw new CopyFailed(`cannot replace to directory /${textOf(path)} with file`)
      if (kind === 'missing' && isDirectory) fresh.add(path)
      if (isDirectory || !isOneTree) landed.set(path, isDirectory)
    },
    note: (path, isDirectory) => {
      if (isDirectory && kindOf(path) !== 'directory') fresh.add(path)
      landed.set(path, isDirectory)
    },
  }
}

const MAX_LINKS = 40

/** The place in the layers that a path leads to, links followed inside of them only, the last one and dangling ones too. */
export function resolveInLayers(lower: readonly string[], path: string, links: number = MAX_LINKS): ByteString {
  let resolved: string[] = []
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  for (const [index, part] of parts.entries()) {
    if (part === '..') {
      resolved = resolved.slice(0, -1)
      continue
    }
    const here = [...resolved, part].join('/')
    const found = findInLayers(lower, here, { followLast: false })
    if (found?.stats.isSymbolicLink() === true) {
      if (links === 0) throw new CopyFailed(`too many levels of symbolic links: /${here}`)
      const target = posix.resolve('/', resolved.join('/'), readlinkSync(found.path))
      return resolveInLayers(lower, [target, ...parts.slice(index + 1)].join('/'), links - 1)
    }
    resolved.push(part)
  }
  return byteString(resolved.join('/'))
}

export const textOf = (path: ByteString): string => Buffer.from(path, 'latin1').toString()

export function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? '' : path.slice(0, slash)
}

function attributesOf(path: string): NodeAttributes {
  const { mode, uid, gid, mtimeNs } = lstatSync(path, { bigint: true })
  const maps = userIdMaps()
  return {
    mode: Number(mode) & 0o7777,
    uid: insideId(Number(uid), maps?.uids),
    gid: insideId(Number(gid), maps?.gids),
    mtimeSeconds: Number(mtimeNs / 1_000_000_000n),
    mtimeNanoseconds: Number(mtimeNs % 1_000_000_000n),
  }
}

/** An id of the host as the user's own namespace has it. */
function insideId(id: number, ranges: readonly IdRange[] | undefined): number {
  if (ranges === undefined) return id
  const range = ranges.find(({ outside, size }) => id >= outside && id < outside + size)
  return range === undefined ? 0 : range.inside + id - range.outside
}
