/** A tree of one file, for what comes from a URL. */
import { basename, dirname } from 'node:path'
import { applySink } from '../../archive/tree-sinks.ts'
import { byteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import { readFiles } from '../../linux/archive.ts'
import type { FileTree } from './tree.ts'

export interface SingleFile {
  readonly name: string
  /** The same for the same file. */
  readonly identity: string
  /** Fetched when it is first needed. */
  readonly open: () => Promise<{ readonly path: string; readonly mtimeSeconds: number }>
}

/** Modes and times are those that ADD gives a download. */
export function singleFileTree({ name, identity, open }: SingleFile): FileTree {
  const file = byteString(name)
  return {
    source: undefined,
    resolve: (wanted) => {
      if (wanted === file) return { path: file, isDirectory: false }
      return wanted === '' ? { path: '', isDirectory: true } : undefined
    },
    names: () => [file],
    digest: async () => identity,
    copy: async (found, applier, { place, attributes, signal }) => {
      const { path, mtimeSeconds } = await open()
      const placed = found.isDirectory ? () => place(file) : place
      const sink = applySink(applier, { place: placed, attributes, keepXattr: () => false })
      const dressed = (entry: TreeEntry) => ({ ...entry, mode: 0o100600, mtimeSeconds, mtimeNanoseconds: 0 })
      const dressing = { ...sink, entry: (entry: TreeEntry) => sink.entry(dressed(entry)) }
      await readFiles(dirname(path), [byteString(basename(path))], { sink: dressing, signal })
      return true
    },
  }
}
