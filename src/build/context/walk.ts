/** One walk through a part of a context: what is not ignored, in the order of names. */

import { TYPE } from '../../archive/tree-sinks.ts'
import type { ByteString } from '../../linux/apply.ts'
import { readTree, sumTree, type TreeEntry } from '../../linux/archive.ts'
import { ContextUnreadable } from '../errors.ts'
import type { IgnoreMatcher } from '../ignore/matcher.ts'
import { gatheredHash } from './gathered-hash.ts'
import { onlyVisible, textOf } from './visible.ts'

export interface WalkOptions {
  readonly root: string
  readonly ignore: IgnoreMatcher
  readonly signal: AbortSignal
}

export interface WalkSink {
  /** With its whole path; of a hard link too. */
  entry(entry: TreeEntry): void
  flush(): Promise<void>
  /** All that is told, of what is ignored too. */
  bytes?(bytes: Buffer): void
}

/** @param start - no link on the way @throws {ContextUnreadable} */
export async function walkContext(
  start: ByteString,
  { root, ignore, signal }: WalkOptions,
  { entry: pass, flush, bytes }: WalkSink,
): Promise<void> {
  const show = onlyVisible(ignore, start, pass)
  const whole = (path: ByteString) => (path === '' || start === '' ? `${start}${path}` : `${start}/${path}`)
  const entry = (found: TreeEntry) => {
    const { path, hardLink } = found
    if (found.change === 'unreadable') return refuseUnlessIgnored(whole(path), ignore)
    show(start === '' ? found : { ...found, path: whole(path), hardLink: hardLink === '' ? '' : whole(hardLink) })
  }
  const onBytes = bytes && { onBytes: bytes }
  const sink = { entry, data() {}, end() {}, flush }
  await reading(signal, () =>
    readTree(root, start, { follow: false, content: false, tolerant: true, sink, signal, ...onBytes }),
  )
}

/** The sum of the bytes that a walk would be told now. @throws as `walkContext` */
export function sumContext(start: ByteString, { root, signal }: Pick<WalkOptions, 'root' | 'signal'>): Promise<string> {
  return reading(signal, () => sumTree(root, start, { follow: false, tolerant: true, signal }))
}

/** Nobody looks into a directory of which nothing is wanted, so others' data may lie there. @throws {ContextUnreadable} */
function refuseUnlessIgnored(directory: ByteString, ignore: IgnoreMatcher): void {
  const text = textOf(directory)
  if (directory !== '' && ignore.ignores(text) && !ignore.mayHoldExceptions(text)) return
  throw new ContextUnreadable(`cannot read the build context: open ${text || '.'}: permission denied`, {
    hint: 'a line in .dockerignore leaves it out',
  })
}

async function reading<Result>(signal: AbortSignal, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    if (signal.aborted || error instanceof ContextUnreadable) throw error
    throw new ContextUnreadable(`cannot read the build context: ${(error as Error).message}`, { cause: error })
  }
}

/** Tells whether two walks have seen the same: of directories the times do not count, others may be at work in them. */
export function openStamp(): { add(entry: TreeEntry): void; finish(): string } {
  const hash = gatheredHash()
  return {
    add: ({ path, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, ctimeSeconds, ctimeNanoseconds }) => {
      const isDirectory = (mode & TYPE.mask) === TYPE.directory
      const times = isDirectory ? '' : ` ${mtimeSeconds}.${mtimeNanoseconds} ${ctimeSeconds}.${ctimeNanoseconds}`
      hash.add(`${path}\0${mode} ${sizeBytes}${times}\n`)
    },
    finish: () => hash.finish(),
  }
}
