/** The digest of a part of a context, while it is walked: nothing of it is kept but what is being read just now. */
import { createHash } from 'node:crypto'
import { TYPE } from '../../archive/tree-sinks.ts'
import type { ByteString } from '../../linux/apply.ts'
import { digestFiles, type TreeEntry } from '../../linux/archive.ts'
import { describeEntry, type Keep } from '../copy/tree.ts'
import { type Fingerprints, isSettled, type Known } from './fingerprints.ts'
import { gatheredHash } from './gathered-hash.ts'
import type { KnownWalk, PartDigest } from './known-walk.ts'
import { openStamp, sumContext, type WalkOptions, walkContext } from './walk.ts'

export interface DigestPartOptions extends WalkOptions {
  /** Asked for when they are needed, and closed. */
  readonly fingerprints: () => Fingerprints
  readonly walk: KnownWalk
  /** Of the path from the start. */
  readonly keep: Keep
  /** Of the whole path: whether a hard link's first name is there. */
  readonly isThere: (path: ByteString) => boolean
}

interface Waiting {
  readonly entry: TreeEntry
  readonly isFile: boolean
  readonly known: Known | undefined
}

/** Files that one process reads, and what goes along with them. */
interface Batch {
  readonly waiting: Waiting[]
  readonly unread: ByteString[]
  sizeBytes: number
}

const SUM_DIGITS = 64
const MAX_FILES = 1024
const MAX_ENTRIES = 2048
const MAX_BYTES = 256 << 20
/** As many are read at once. */
const MAX_BATCHES = 2

/** Files belong to root, whoever owns them outside: that is how they are copied. @throws {ContextUnreadable} */
export async function digestPart(start: ByteString, options: DigestPartOptions): Promise<PartDigest> {
  const { walk } = options
  const same = walk.sum === undefined ? undefined : walk.find(await sumContext(start, options))
  if (same !== undefined) return same
  const { sum, isCertain, ...part } = await takeWalk(start, options)
  if (isCertain) walk.note(sum, part)
  return part
}

interface Taken extends PartDigest {
  /** Of all that was told. */
  readonly sum: string
  /** If anything changes from now on, the sum does. */
  readonly isCertain: boolean
}

async function takeWalk(start: ByteString, options: DigestPartOptions): Promise<Taken> {
  const { keep, isThere, walk } = options
  using fingerprints = options.fingerprints()
  const relative = (path: ByteString) => path.slice(start === '' || path === '' ? 0 : start.length + 1)
  const stamp = openStamp()
  const total = gatheredHash()
  const told = createHash('blake2b512')
  let isCertain = true
  const isKeptLink = (link: ByteString) => link !== '' && keep(relative(link)) && isThere(link)
  const finish = (waiting: readonly Waiting[], digests: readonly (string | undefined)[]) => {
    let next = 0
    for (const { entry, isFile, known } of waiting) {
      const digest = isFile ? (known?.digest ?? digests[next++]) : undefined
      if (digest !== undefined) fingerprints.note(entry, digest, known)
      total.add(describeEntry(relative(entry.path), entry, digest ?? ''))
    }
  }
  const queue = openQueue(options, finish)
  const take = (found: TreeEntry) => {
    if (!keep(relative(found.path))) return
    const entry = { ...found, uid: 0, gid: 0, hardLink: isKeptLink(found.hardLink) ? relative(found.hardLink) : '' }
    stamp.add(found)
    isCertain &&= isSettled(found, walk.nowMs)
    const isFile = (entry.mode & TYPE.mask) === TYPE.file && entry.hardLink === ''
    queue.add({ entry, isFile, known: isFile ? fingerprints.get(found) : undefined })
  }
  try {
    await walkContext(start, options, { entry: take, flush: queue.flush, bytes: (bytes) => void told.update(bytes) })
  } finally {
    await queue.end()
  }
  fingerprints.save()
  const sum = told.digest('hex').slice(0, SUM_DIGITS)
  return { sum, isCertain, digest: total.finish(), stamp: stamp.finish() }
}

interface Queue {
  add(waiting: Waiting): void
  /** Waits while too many are being read. */
  flush(): Promise<void>
  /** The last batch goes too. Resolves when nothing is at work any more. @throws what reading has thrown */
  end(): Promise<void>
}

/** @param finish - called for all that is added, in its order */
function openQueue(
  { root, signal }: WalkOptions,
  finish: (waiting: readonly Waiting[], digests: readonly (string | undefined)[]) => void,
): Queue {
  const fresh = (): Batch => ({ waiting: [], unread: [], sizeBytes: 0 })
  let batch = fresh()
  let batches = 0
  let last = Promise.resolve()
  const close = () => {
    const closed = batch
    batch = fresh()
    if (closed.waiting.length === 0) return
    batches += 1
    const read = closed.unread.length === 0 ? [] : digestFiles(root, closed.unread, { signal })
    last = Promise.all([read, last]).then(([digests]) => {
      finish(closed.waiting, digests)
      batches -= 1
    })
    last.catch(() => {}) // `flush` or `end` tells
  }
  return {
    add: (waiting) => {
      const isUnread = waiting.isFile && waiting.known === undefined
      // What waits for nobody is not kept: to survive a collection makes it dear.
      if (!isUnread && batches === 0 && batch.waiting.length === 0) return finish([waiting], [])
      batch.waiting.push(waiting)
      if (isUnread) {
        batch.unread.push(waiting.entry.path)
        batch.sizeBytes += waiting.entry.sizeBytes
      }
      const { length } = batch.unread
      if (length === MAX_FILES || batch.waiting.length === MAX_ENTRIES || batch.sizeBytes > MAX_BYTES) close()
    },
    flush: async () => {
      if (batches >= MAX_BATCHES) await last
    },
    end: async () => {
      close()
      await last
    },
  }
}
