/** Keeps what a walk tells, file contents included. */
import type { TreeEntry, TreeSink } from '../../src/linux/archive.ts'

export interface TreeRecorder extends TreeSink {
  readonly entries: TreeEntry[]
  /** By path. */
  readonly contents: Map<string, string>
  find(path: string): TreeEntry
}

export function recordTree(): TreeRecorder {
  const entries: TreeEntry[] = []
  const contents = new Map<string, string>()
  let chunks: Buffer[] = []
  return {
    entries,
    contents,
    entry: (entry) => void entries.push(entry),
    data: (chunk) => void chunks.push(Buffer.from(chunk)),
    end: () => {
      contents.set(entries.at(-1)?.path ?? '', Buffer.concat(chunks).toString())
      chunks = []
    },
    flush: async () => {},
    find: (path) => {
      const found = entries.find((entry) => entry.path === path)
      if (found === undefined) throw new Error(`no entry ${path} among ${entries.map((entry) => entry.path).join(' ')}`)
      return found
    },
  }
}
