/** A tree of one file, for what has been downloaded. */

import { basename, dirname } from 'node:path'
import { applySink } from '../../archive/tree-sinks.ts'
import { byteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import { readFiles } from '../../linux/archive.ts'
import type { Downloaded } from './download.ts'
import type { FileTree } from './tree.ts'

/** Modes and times are those that ADD gives a download. */
export function singleFileTree({ path, name, digest, mtimeSeconds }: Downloaded): FileTree {
  const file = byteString(name)
  return {
    source: undefined,
    resolve: (wanted) => (wanted === file ? { path: file, isDirectory: false } : undefined),
    names: () => [file],
    digest: async () => `${digest} ${mtimeSeconds}`,
    copy: async (_, applier, { place, attributes, signal }) => {
      const sink = applySink(applier, { place, attributes, keepXattr: () => false })
      const dressed = (entry: TreeEntry) => ({ ...entry, mode: 0o100600, mtimeSeconds, mtimeNanoseconds: 0 })
      const dressing = { ...sink, entry: (entry: TreeEntry) => sink.entry(dressed(entry)) }
      await readFiles(dirname(path), [byteString(basename(path))], { sink: dressing, signal })
      return true
    },
  }
}
