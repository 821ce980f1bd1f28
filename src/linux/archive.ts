/** Reads files below a directory that somebody else may be changing, by the native program (native/archive.c). */

import { takeInheritedJob } from '../util/inherited.ts'
import type { ByteString } from './apply.ts'
import { AnswerReader } from './archive-answers.ts'
import { encodeIdMaps } from './encode-plan.ts'
import type { IdMappings } from './id-mappings.ts'
import { askBriefly, type NativeBuild, startJob } from './native-job.ts'
import { StepWriter, stringBytes } from './step-writer.ts'
import { WireWriter } from './wire-writer.ts'

/**
 * Compared with the layers below; `same` where nothing is compared. `unreadable`: a directory that was told before may not be
 * read; said only to who wants to know.
 */
export type Change = 'same' | 'added' | 'changed' | 'deleted' | 'unreadable'

export interface TreeEntry {
  /** Relative to where the walk began, which is empty. */
  readonly path: ByteString
  readonly change: Change
  /** With the bits of the type; 0 of what was deleted. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeSeconds: number
  readonly mtimeNanoseconds: number
  /** Of a regular file, holes included. */
  readonly sizeBytes: number
  readonly major: number
  readonly minor: number
  /** When its inode changed last, as the kernel counts; 0 where the entry comes from an archive. */
  readonly ctimeSeconds: number
  readonly ctimeNanoseconds: number
  /** Of a symbolic link. */
  readonly target: ByteString
  /** Path of an earlier entry that is the same file; empty: none. */
  readonly hardLink: ByteString
  /** `security.capability` and `user.*`. */
  readonly xattrs: ReadonlyMap<ByteString, Buffer>
  /** Where the data of a sparse file is; all else of it is holes. */
  readonly extents: readonly { readonly offset: number; readonly size: number }[] | undefined
}

/** Takes a tree in the order of its names, parents before what is in them. */
export interface TreeSink {
  entry(entry: TreeEntry): void
  /** Of the last file; its extents one after the other. It stays as it is until the next call but one of `flush`. */
  data(chunk: Buffer): void
  /** The last file is complete. Not called for other entries, nor for hard links. */
  end(): void
  /** Waits until what was given is on its way. */
  flush(): Promise<void>
}

export interface InsideStat {
  /** Where it is below the root, links resolved. */
  readonly resolved: ByteString
  readonly mode: number
  readonly sizeBytes: number
  readonly target: ByteString
  /** It is on procfs, sysfs or the like. */
  readonly pseudo: boolean
  /** It is mounted read-only. */
  readonly readOnly: boolean
}

export interface ReadOptions {
  /** Ids of a user namespace to read in. */
  readonly idMaps?: IdMappings | undefined
  readonly native?: NativeBuild | undefined
  readonly signal?: AbortSignal | undefined
}

const REQUEST = { userNamespace: 1, stat: 2, walk: 3, merged: 4, changes: 5, content: 6, digest: 7, sum: 8 } as const
const FOLLOW = 1
const CONTENT = 2
const TOLERANT = 4

/**
 * What a path is inside of `root`, whose links lead nowhere else. undefined: nothing is there.
 *
 * @throws {ApplyFailed} it cannot be looked at; ENOTDIR and ELOOP among the reasons
 */
export async function statInside(
  root: string,
  path: ByteString,
  { follow, ...options }: ReadOptions & { readonly follow: boolean },
): Promise<InsideStat | undefined> {
  let found: InsideStat | undefined
  await ask([root], pathRequest(REQUEST.stat, path, follow ? FOLLOW : 0), {
    ...options,
    onStat: (stat) => {
      found = stat
    },
  })
  return found
}

/**
 * Everything from `path` inside of `root` on, across mounts; of /proc and its like the directory only.
 *
 * @param options.content - without, a sink hears of entries alone, neither of data nor of their end
 * @param options.tolerant - a directory that may not be read is told as `unreadable`, and is no failure
 */
export function readTree(
  root: string,
  path: ByteString,
  {
    follow,
    content = true,
    tolerant = false,
    ...options
  }: ReadOptions & {
    readonly follow: boolean
    readonly content?: boolean
    readonly tolerant?: boolean
    readonly sink: TreeSink
    /** Takes what the sink is told as it comes. */
    readonly onBytes?: (bytes: Buffer) => void
  },
): Promise<void> {
  const flags = (follow ? FOLLOW : 0) | (content ? CONTENT : 0) | (tolerant ? TOLERANT : 0)
  return ask([root], pathRequest(REQUEST.walk, path, flags), options)
}

/**
 * A digest, in hexadecimal, of all that `readTree` without content would be told by the native program. It is BLAKE2b-512's first
 * 32 bytes of what `onBytes` gets.
 *
 * @throws as `readTree`
 */
export async function sumTree(
  root: string,
  path: ByteString,
  { follow, tolerant = false, ...options }: ReadOptions & { readonly follow: boolean; readonly tolerant?: boolean },
): Promise<string> {
  options.signal?.throwIfAborted()
  let sum: string | undefined
  const onDigest = (digest: string | undefined) => {
    sum = digest
  }
  const request = pathRequest(REQUEST.sum, path, (follow ? FOLLOW : 0) | (tolerant ? TOLERANT : 0))
  const ends = options.native === undefined && options.idMaps === undefined ? takeInheritedJob() : undefined
  if (ends === undefined) await ask([root], request, { ...options, onDigest })
  else {
    const reader = new AnswerReader({ onDigest })
    const take = (bytes: Buffer) => {
      reader.write(bytes)
      return reader.isWhole
    }
    await askBriefly(ends, ['archive', root], { request: request.take().parts, signal: options.signal, take })
    reader.close()
  }
  if (sum === undefined) throw new Error('the native program told no sum')
  return sum
}

/** Requests of more bytes than this are refused (native/archive.c); those of a few more processes cost nothing. */
const MAX_REQUEST_BYTES = 1 << 19

/**
 * The content of regular files inside of `root`, one after the other, each as an entry without name and attributes. No
 * component of a path is a link.
 *
 * @throws {ApplyFailed} one of them is no more, or something else
 */
export async function readFiles(
  root: string,
  paths: readonly ByteString[],
  options: ReadOptions & { readonly sink: TreeSink },
): Promise<void> {
  for (const requests of requestsFor(REQUEST.content, paths)) await ask([root], requests, options)
}

/**
 * Digests of files' content, in hexadecimal: of BLAKE2b-512 the first 32 bytes. Of a file with holes those of its data and
 * where it is. undefined: it is no more, or something else. No component of a path is a link.
 *
 * @throws {ApplyFailed} one of them cannot be read
 */
export async function digestFiles(
  root: string,
  paths: readonly ByteString[],
  options: ReadOptions,
): Promise<readonly (string | undefined)[]> {
  const digests: (string | undefined)[] = []
  const onDigest = (digest: string | undefined) => void digests.push(digest)
  for (const requests of requestsFor(REQUEST.digest, paths)) await ask([root], requests, { ...options, onDigest })
  return digests
}

function* requestsFor(code: number, paths: readonly ByteString[]): Generator<StepWriter> {
  for (let next = 0; next < paths.length; ) {
    const requests = new StepWriter()
    for (let bytes = 0; next < paths.length && bytes < MAX_REQUEST_BYTES; next += 1) {
      const path = paths[next] ?? ''
      bytes += stringBytes(path) + 8
      requests.begin(code, stringBytes(path)).string(path)
    }
    yield requests
  }
}

/**
 * The union of unpacked layers, top-most first, as an overlay would show it.
 *
 * @param options.from - a directory in it, without links on the way; nothing is read where there is none
 */
export function readMerged(
  layers: readonly string[],
  { from = '', ...options }: ReadOptions & { readonly sink: TreeSink; readonly from?: ByteString },
): Promise<void> {
  return ask(layers, new StepWriter().begin(REQUEST.merged, stringBytes(from)).string(from), options)
}

/**
 * What the first layer does to the others. Directories that are on the way are told as well, as `same`; with content,
 * so is every file of the layer.
 */
export function readChanges(
  layers: readonly string[],
  options: ReadOptions & { readonly content: boolean; readonly sink: TreeSink },
): Promise<void> {
  return ask(layers, new StepWriter().begin(REQUEST.changes, 4).u32(options.content ? 1 : 0), options)
}

function pathRequest(code: number, path: ByteString, flags: number): StepWriter {
  return new StepWriter()
    .begin(code, stringBytes(path) + 4)
    .string(path)
    .u32(flags)
}

interface Asking extends ReadOptions {
  readonly sink?: TreeSink
  readonly onStat?: (stat: InsideStat | undefined) => void
  readonly onDigest?: (digest: string | undefined) => void
  readonly onBytes?: (bytes: Buffer) => void
}

/** One process for one request. When this fails nothing of it is at work any more, or only until it would answer again. */
async function ask(
  directories: readonly string[],
  request: StepWriter,
  { idMaps, native, signal, sink, onStat, onDigest, onBytes }: Asking,
): Promise<void> {
  signal?.throwIfAborted()
  const { input, output, closed, cause } = startJob(['archive', ...directories], native)
  const abort = () => output.destroy(new Error('aborted'))
  signal?.addEventListener('abort', abort, { once: true })
  if (idMaps !== undefined)
    input.write(new WireWriter().record(REQUEST.userNamespace, (record) => encodeIdMaps(record, idMaps)).finish())
  for (const part of request.take().parts) input.write(part)
  input.end()
  const stop = async () => {
    output.destroy() // the pipe breaks: it ends
    await closed
  }
  try {
    const reader = new AnswerReader({ sink, onStat, onDigest })
    for await (const chunk of output as AsyncIterable<Buffer>) {
      onBytes?.(chunk)
      reader.write(chunk)
      await sink?.flush()
    }
    reader.close()
  } catch (error) {
    signal?.throwIfAborted()
    await stop()
    throw cause(error)
  } finally {
    signal?.removeEventListener('abort', abort)
    await stop()
  }
}
