/** The tree of an archive that came from the network, unpacked once. */
import { join } from 'node:path'
import { extractTar } from '../../archive/extract-tar.ts'
import { openApplier } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { stepKey } from '../cache/key.ts'
import { archiveKind, openArchive } from '../copy/archive-kind.ts'
import { freshDirectory } from '../scratch.ts'
import { TREE } from './git-checkout.ts'
import type { HttpFile } from './http-source.ts'
import { type Keeping, keepSource, type SourceStore } from './kept.ts'

/** @returns the directory @throws {ArchiveInvalid} it is no tar, or leads out of itself */
export async function unpackFile(store: SourceStore, file: HttpFile, keeping: Keeping): Promise<string> {
  const make = async (directory: string, signal: AbortSignal) => {
    const root = join(directory, TREE)
    freshDirectory(root, 0o755)
    await using applier = openApplier(root, { idMaps: userIdMaps() })
    const stream = openArchive({ path: file.path, compression: (await archiveKind(file.path)) ?? 'none' })
    try {
      await extractTar(stream, applier, { place: (path) => path, onBytes: () => {}, signal })
    } finally {
      stream.destroy()
    }
    await applier.finish()
  }
  const key = stepKey('unpacked', [file.digest])
  const source = { key, kind: 'source.http.archive', description: `archive ${file.digest}`, make } as const
  return join(await keepSource(store, source, keeping), TREE)
}
