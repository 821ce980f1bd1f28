/** A tar stream of somebody's, plain or compressed, into a tree. Its names are checked, and lead nowhere else. */
import type { Readable } from 'node:stream'
import { checkedPath } from '../images/layers/apply-entry.ts'
import type { LayerEntry } from '../images/layers/entry.ts'
import { LayerInvalid } from '../images/layers/errors.ts'
import { inflate } from '../images/layers/inflate.ts'
import { openTarReader } from '../images/layers/tar-reader.ts'
import type { Applier, ByteString } from '../linux/apply.ts'
import type { TreeEntry } from '../linux/archive.ts'
import { OCI_LAYER } from '../oci/media-types.ts'
import { ArchiveInvalid } from './errors.ts'
import { applySink } from './tree-sinks.ts'

export interface ExtractOptions {
  readonly place: (path: ByteString) => ByteString | undefined
  readonly onBytes: (count: number) => void
  readonly signal: AbortSignal | undefined
}

/** @throws {ArchiveInvalid} it is no tar archive, or hostile; what came before is there */
export async function extractTar(
  stream: Readable,
  applier: Applier,
  { place, onBytes, signal }: ExtractOptions,
): Promise<void> {
  const sink = applySink(applier, { place, attributes: (entry) => entry, keepXattr: isHarmless, onBytes })
  const reader = openTarReader({
    entry: (entry) => sink.entry(treeEntry(entry)),
    data: (chunk) => sink.data(chunk),
    end: () => sink.end(),
  })
  const abort = () => stream.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    for await (const chunk of inflate(stream, { mediaType: OCI_LAYER, signal })) {
      reader.write(chunk)
      await sink.flush()
    }
    reader.close()
  } catch (error) {
    if (!(error instanceof LayerInvalid)) throw error
    throw new ArchiveInvalid(error.reason, { cause: error })
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

const TYPE_BITS = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  hardlink: 0o100000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
} as const

function treeEntry(entry: LayerEntry): TreeEntry {
  const isLink = entry.type === 'hardlink'
  return {
    ...entry,
    path: checkedPath(entry.path),
    change: 'same',
    ctimeSeconds: 0,
    ctimeNanoseconds: 0,
    mode: TYPE_BITS[entry.type] | entry.mode,
    sizeBytes: entry.size,
    target: entry.type === 'symlink' ? entry.linkPath : '',
    hardLink: isLink ? checkedPath(entry.linkPath) : '',
    extents: entry.extents,
  }
}

/** Orders to overlayfs, and labels of another host's policy, are left out. */
function isHarmless(name: ByteString): boolean {
  return name === 'security.capability' || (name.startsWith('user.') && !name.startsWith('user.overlay.'))
}
