/** A build context on the disk: read where it is, part by part, as steps ask for it. */
import { lstatSync, readlinkSync } from 'node:fs'
import { applySink, TYPE } from '../../archive/tree-sinks.ts'
import type { Applier, ByteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import { followLinks, type LookedAt } from '../../util/follow-links.ts'
import type { CopyOptions, FileTree, Found } from '../copy/tree.ts'
import { ContextUnreadable } from '../errors.ts'
import type { IgnoreMatcher } from '../ignore/matcher.ts'
import { digestPart } from './digest-part.ts'
import type { Fingerprints } from './fingerprints.ts'
import type { KnownWalk } from './known-walk.ts'
import { isVisible, pathInside, readDirectory } from './visible.ts'
import { openStamp, walkContext } from './walk.ts'

export interface LocalTreeOptions {
  /** A directory; what its own path leads through is the user's business. */
  readonly root: string
  readonly ignore: IgnoreMatcher
  /** Of the walk that begins at this path of the context. */
  readonly fingerprints: (start: ByteString) => Fingerprints
  /** The one that begins at this path, with what decides which of its files count. */
  readonly knownWalk: (start: ByteString, shape: readonly unknown[]) => KnownWalk
  readonly signal: AbortSignal
}

export function openLocalTree(options: LocalTreeOptions): FileTree {
  const { root, ignore } = options
  /** Of parts as they were when their digest was made. */
  const stamps = new Set<string>()
  const lookAt = (path: ByteString) => look(path, options)
  return {
    source: root,
    resolve: (path) => {
      const found = followLinks(path, { lookAt, followLast: true })
      return found && { path: found.path, isDirectory: found.isDirectory }
    },
    names: (directory) =>
      readDirectory(root, directory)
        .filter(({ name, isDirectory }) => {
          const path = directory === '' ? name : `${directory}/${name}`
          return isVisible(ignore, path, { root, isDirectory })
        })
        .map(({ name }) => name)
        .toSorted(),
    digest: async ({ path }, { keep, excluded, signal }) => {
      const fingerprints = () => options.fingerprints(path)
      const walk = options.knownWalk(path, [ignore.patterns, excluded])
      const isThere = (link: ByteString) => isVisible(ignore, link, { root, isDirectory: false })
      const { digest, stamp } = await digestPart(path, { ...options, fingerprints, walk, keep, isThere, signal })
      stamps.add(stamp)
      return digest
    },
    copy: async (found, applier, copying) => stamps.has(await copyPart(found, applier, { ...options, ...copying })),
  }
}

interface Node extends LookedAt {
  readonly path: ByteString
}

/** @throws {ContextUnreadable} it may not be looked at */
function look(path: ByteString, { root, ignore }: LocalTreeOptions): Node | undefined {
  const whole = pathInside(root, path)
  try {
    const stats = lstatSync(whole, { throwIfNoEntry: false })
    // A socket means nothing without its process.
    if (stats === undefined || stats.isSocket()) return undefined
    const isDirectory = stats.isDirectory()
    if (!isVisible(ignore, path, { root, isDirectory })) return undefined
    const target = stats.isSymbolicLink() ? readlinkSync(whole, 'buffer').toString('latin1') : undefined
    return { path, isDirectory, target }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined
    throw new ContextUnreadable(`cannot read the build context: ${message}`, { cause: error })
  }
}

interface Copying extends LocalTreeOptions, CopyOptions {}

/**
 * A hard link whose first name is not copied along is a file of its own.
 *
 * @returns the stamp of what was copied
 */
async function copyPart({ path: start }: Found, applier: Applier, copying: Copying): Promise<string> {
  const { root, ignore, place, attributes } = copying
  const relative = (whole: ByteString) => whole.slice(start === '' || whole === '' ? 0 : start.length + 1)
  const stamp = openStamp()
  const sink = applySink(applier, {
    place: (whole) => place(relative(whole)),
    attributes,
    keepXattr: () => true,
    fromSource: true,
  })
  const isCopied = (link: ByteString) =>
    link !== '' && place(relative(link)) !== undefined && isVisible(ignore, link, { root, isDirectory: false })
  const entry = (found: TreeEntry) => {
    const isStart = found.path === start
    if (isStart || place(relative(found.path)) !== undefined) stamp.add(found)
    // The directory that a copy begins with goes nowhere itself.
    if (isStart && (found.mode & TYPE.mask) === TYPE.directory && place('') === undefined) return
    sink.entry(found.hardLink === '' || isCopied(found.hardLink) ? found : { ...found, hardLink: '' })
  }
  await walkContext(start, copying, { entry, flush: () => sink.flush() })
  return stamp.finish()
}
