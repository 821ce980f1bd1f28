/** What is in a tar, as far as two builds must agree on it. */
import { createReadStream } from 'node:fs'
import { readLayerEntries } from '../../src/images/layers/read-entries.ts'
import { OCI_LAYER } from '../../src/oci/media-types.ts'

/** By path: type, mode, owner, and content; no times. */
export async function tarFiles(tar: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  const stream = createReadStream(tar)
  for await (const entry of readLayerEntries(stream, { mediaType: OCI_LAYER, withContent: true })) {
    const { path, type, mode, uid, gid, sizeBytes, linkPath, content } = entry
    const name = path.replace(/^\.?\/|\/$/g, '')
    if (name === '' || name === '.') continue
    files.set(
      name,
      [type, mode.toString(8), uid, gid, type === 'file' ? sizeBytes : 0, linkPath, content ?? ''].join(' '),
    )
  }
  return files
}
