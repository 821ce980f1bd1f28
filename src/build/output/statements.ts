/** Attestations of files as BuildKit writes them beside those (docs/attestations/attestation-storage.md). */
import { createHash, type Hash } from 'node:crypto'
import { spread, TYPE } from '../../archive/tree-sinks.ts'
import { InvalidArgument } from '../../errors.ts'
import { type ByteString, byteString } from '../../linux/apply.ts'
import type { TreeEntry, TreeSink } from '../../linux/archive.ts'
import { type Predicate, type Subject, statementOf } from '../attest/attach.ts'

/** Passes a tree on, and notes what its files are. */
export function subjectSink(sink: TreeSink): { readonly sink: TreeSink; subjects(): readonly Subject[] } {
  const digests = new Map<ByteString, string>()
  let file: { readonly path: ByteString; readonly hash: Content } | undefined
  const noting: TreeSink = {
    entry: (entry) => {
      sink.entry(entry)
      const same = digests.get(entry.hardLink)
      if (same !== undefined) digests.set(entry.path, same)
      else if ((entry.mode & TYPE.mask) === TYPE.file) file = { path: entry.path, hash: contentHash(entry) }
    },
    data: (chunk) => {
      file?.hash.add(chunk)
      sink.data(chunk)
    },
    end: () => {
      if (file !== undefined) digests.set(file.path, file.hash.digest())
      file = undefined
      sink.end()
    },
    flush: () => sink.flush(),
  }
  const subjects = () =>
    [...digests].map(([path, sha256]) => ({ name: Buffer.from(path, 'latin1').toString(), digest: { sha256 } }))
  return { sink: noting, subjects }
}

interface Content {
  add(chunk: Buffer): void
  digest(): string
}

/** Of a sparse file too as programs read it. */
function contentHash(entry: TreeEntry): Content {
  const hash = createHash('sha256')
  let position = 0
  const to = {
    data: (chunk: Uint8Array) => {
      position += chunk.length
      hash.update(chunk)
    },
    hole: (sizeBytes: number) => {
      position += sizeBytes
      addZeros(hash, sizeBytes)
    },
  }
  const add = spread(to, entry)
  const digest = () => {
    to.hole(entry.sizeBytes - position)
    return hash.digest('hex')
  }
  return { add, digest }
}

const ZEROS = Buffer.alloc(1 << 20)

function addZeros(hash: Hash, sizeBytes: number): void {
  for (let left = sizeBytes; left > 0; left -= ZEROS.length) hash.update(ZEROS.subarray(0, left))
}

export interface Telling {
  readonly subjects: readonly Subject[]
  readonly nameOf: (fileName: string) => string
}

export interface StatementFile {
  readonly name: string
  readonly content: Buffer
}

/** @throws {InvalidArgument} two would have one name */
export function statementFiles(
  predicates: readonly Predicate[],
  { subjects, nameOf }: Telling,
): readonly StatementFile[] {
  const names = new Set<string>()
  return predicates.map((predicate) => {
    const name = nameOf(predicate.fileName)
    if (names.has(name)) throw new InvalidArgument(`duplicate attestation path name ${name}`)
    names.add(name)
    return { name, content: Buffer.from(JSON.stringify(statementOf(predicate, subjects), undefined, 2)) }
  })
}

/** A file of its own in the root of the tree, in place of whatever the tree has there. */
export function addFile(
  sink: TreeSink,
  { name, content, mtimeSeconds }: StatementFile & { readonly mtimeSeconds: number },
): void {
  sink.entry({
    path: byteString(name),
    change: 'added',
    mode: TYPE.file | 0o600,
    uid: 0,
    gid: 0,
    mtimeSeconds,
    mtimeNanoseconds: 0,
    ctimeSeconds: 0,
    ctimeNanoseconds: 0,
    sizeBytes: content.length,
    major: 0,
    minor: 0,
    target: '',
    hardLink: '',
    xattrs: new Map(),
    extents: undefined,
  })
  if (content.length > 0) sink.data(content)
  sink.end()
}
