/** A build context on the disk: what is in it, without what is ignored, and the digests of its files. */
import { createHash } from 'node:crypto'
import { applySink, TYPE } from '../../archive/tree-sinks.ts'
import type { Applier, ByteString } from '../../linux/apply.ts'
import { readFiles, readTree, type TreeEntry, type TreeSink } from '../../linux/archive.ts'
import { type CopyOptions, type DigestOptions, describeEntry, type FileTree, type Found } from '../copy/tree.ts'
import { ContextUnreadable } from '../errors.ts'
import type { DirectoryState, IgnoreMatcher } from '../ignore/matcher.ts'
import type { Fingerprints } from './fingerprints.ts'

export interface LocalTree extends FileTree {
  /** How many files and directories there are. */
  readonly count: number
}

export interface LocalTreeOptions {
  /** A directory; what its own path leads through is the user's business. */
  readonly root: string
  readonly ignore: IgnoreMatcher
  readonly fingerprints: Fingerprints
  readonly signal: AbortSignal
}

/** Reads names and metadata, no content. @throws {ContextUnreadable} */
export async function openLocalTree(options: LocalTreeOptions): Promise<LocalTree> {
  const { root, signal } = options
  const chosen = choosing(options.ignore)
  const sink = { entry: chosen.add, data() {}, end() {}, flush: async () => {} }
  try {
    await readTree(root, '', { follow: false, content: false, sink, signal })
  } catch (error) {
    if (signal.aborted) throw error
    throw new ContextUnreadable(`cannot read the build context: ${(error as Error).message}`, { cause: error })
  }
  const listing = new Listing(chosen.entries)
  return {
    source: root,
    count: chosen.entries.length,
    resolve: (path) => listing.resolve(path),
    names: (directory) => listing.names(directory),
    digest: (found, digesting) => digestOf(listing, found, { ...options, ...digesting }),
    copy: (found, applier, copying) => copyFrom(listing, found, { applier, ...copying }),
  }
}

/** An ignored directory is there after all when something in it is not ignored. */
function choosing(ignore: IgnoreMatcher) {
  const entries: TreeEntry[] = []
  let doubtful: TreeEntry[] = []
  /** Of the directories above the entry. */
  const states = new Map<ByteString, DirectoryState>()
  const isIgnored = ({ path, mode }: TreeEntry) => {
    if (path === '' || ignore.patterns.length === 0) return false
    const parent = states.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
    const { isIgnored: answer, state } = ignore.match(Buffer.from(path, 'latin1').toString(), parent)
    if ((mode & TYPE.mask) === TYPE.directory) states.set(path, state)
    return answer
  }
  const add = (entry: TreeEntry) => {
    const { path } = entry
    doubtful = doubtful.filter((parent) => path.startsWith(`${parent.path}/`))
    if (isIgnored(entry)) {
      if ((entry.mode & TYPE.mask) === TYPE.directory) doubtful.push(entry)
      return
    }
    entries.push(...doubtful, entry)
    doubtful = []
  }
  return { entries, add }
}

const MAX_LINKS = 40

/** Entries in the order of a walk: what is in a directory follows it. */
class Listing {
  readonly #entries: readonly TreeEntry[]
  readonly #places: ReadonlyMap<ByteString, number>

  constructor(entries: readonly TreeEntry[]) {
    this.#entries = entries
    this.#places = new Map(entries.map(({ path }, index) => [path, index]))
  }

  resolve(path: ByteString): Found | undefined {
    let pending = path.split('/').filter((part) => part !== '')
    let resolved: string[] = []
    for (let links = 0; pending.length > 0; ) {
      const [part = '', ...rest] = pending
      pending = rest
      if (part === '.') continue
      if (part === '..') {
        resolved = resolved.slice(0, -1)
        continue
      }
      const entry = this.#at([...resolved, part].join('/'))
      if (entry === undefined) return undefined
      if ((entry.mode & TYPE.mask) !== TYPE.symlink) {
        resolved.push(part)
        continue
      }
      links += 1
      if (links > MAX_LINKS) return undefined
      if (entry.target.startsWith('/')) resolved = []
      pending = [...entry.target.split('/').filter((piece) => piece !== ''), ...pending]
    }
    const found = this.#at(resolved.join('/'))
    return found && { path: found.path, isDirectory: (found.mode & TYPE.mask) === TYPE.directory }
  }

  names(directory: ByteString): readonly ByteString[] {
    const prefix = directory === '' ? '' : `${directory}/`
    return this.below(directory)
      .map(({ path }) => path.slice(prefix.length))
      .filter((rest) => rest !== '' && !rest.includes('/'))
  }

  has(path: ByteString): boolean {
    return this.#places.has(path)
  }

  /** The entry and all that is in it. */
  below(path: ByteString): readonly TreeEntry[] {
    const start = this.#places.get(path)
    if (start === undefined) return []
    if (path === '') return this.#entries
    let end = start + 1
    while (this.#entries[end]?.path.startsWith(`${path}/`)) end += 1
    return this.#entries.slice(start, end)
  }

  #at(path: ByteString): TreeEntry | undefined {
    return this.#entries[this.#places.get(path) ?? -1]
  }
}

const isFile = ({ mode, hardLink }: TreeEntry): boolean => (mode & TYPE.mask) === TYPE.file && hardLink === ''

/** What is copied: a hard link whose first name is not copied along is a file of its own. */
function chosenBelow(listing: Listing, path: ByteString, keep: (whole: ByteString) => boolean): readonly TreeEntry[] {
  const entries = listing.below(path).filter((entry) => keep(entry.path))
  const chosen = new Set(entries.map((entry) => entry.path))
  return entries.map((entry) =>
    entry.hardLink === '' || chosen.has(entry.hardLink) ? entry : { ...entry, hardLink: '' },
  )
}

/** Files of a context belong to root, whoever owns them outside: that is how they are copied. */
async function digestOf(
  listing: Listing,
  { path }: Found,
  { keep, ...options }: LocalTreeOptions & DigestOptions,
): Promise<string> {
  const relative = (whole: ByteString) => whole.slice(path === '' ? 0 : path.length + 1)
  const entries = chosenBelow(listing, path, (whole) => keep(relative(whole)))
  const contents = await digestContents(entries.filter(isFile), options)
  options.fingerprints.save((known) => listing.has(known))
  const total = createHash('sha256')
  for (const entry of entries) {
    const owned = { ...entry, uid: 0, gid: 0, hardLink: relative(entry.hardLink), extents: undefined }
    total.update(describeEntry(relative(entry.path), owned, contents.get(entry.path) ?? ''))
  }
  return total.digest('hex')
}

async function digestContents(
  files: readonly TreeEntry[],
  { root, fingerprints, signal }: LocalTreeOptions,
): Promise<ReadonlyMap<ByteString, string>> {
  const known = new Map<ByteString, string>()
  const unknown: TreeEntry[] = []
  for (const file of files) {
    const digest = fingerprints.get(file)
    if (digest === undefined) unknown.push(file)
    else known.set(file.path, digest)
  }
  const read = async (part: readonly TreeEntry[]) => {
    const sink = contentSink((index, digest) => {
      const file = part[index]
      if (file === undefined) return
      known.set(file.path, digest)
      fingerprints.set(file, digest)
    })
    const paths = part.map(({ path }) => path)
    await readFiles(root, paths, { sink, signal })
  }
  const half = unknown.length < MANY_FILES ? unknown.length : Math.ceil(unknown.length / 2)
  await Promise.all([unknown.slice(0, half), unknown.slice(half)].map(read))
  return known
}

/** From so many on two processes are sooner done than one. */
const MANY_FILES = 2000

/** Digests of files one after the other; of sparse ones those of their extents. */
function contentSink(onDigest: (index: number, digest: string) => void): TreeSink {
  let index = -1
  let hash = createHash('sha256')
  return {
    entry: (entry) => {
      index += 1
      hash = createHash('sha256')
      if (entry.extents !== undefined) hash.update(JSON.stringify(entry.extents))
    },
    data: (chunk) => void hash.update(chunk),
    end: () => onDigest(index, hash.digest('hex')),
    flush: async () => {},
  }
}

async function copyFrom(
  listing: Listing,
  { path }: Found,
  { applier, place, attributes, signal }: CopyOptions & { readonly applier: Applier },
): Promise<void> {
  const length = path === '' ? 0 : path.length + 1
  const inside = (whole: ByteString) => place(whole.slice(length))
  const sink = applySink(applier, { place: inside, attributes, keepXattr: () => true, fromSource: true })
  const entries = chosenBelow(listing, path, (whole) => inside(whole) !== undefined)
  for (const [index, entry] of entries.entries()) {
    sink.entry(entry)
    if (index % FLUSH_EVERY === 0) {
      signal.throwIfAborted()
      await sink.flush()
    }
  }
}

const FLUSH_EVERY = 1000
