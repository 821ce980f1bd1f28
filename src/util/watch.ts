/** Tells of changes of a file or directory, as well as this host can. */
import { watch } from 'node:fs'

/** Whoever waits for changes polls as well: there may be no watches left on this host, and network file systems tell nothing. */
export function watchPath(path: string, notice: () => void): { close(): void } {
  try {
    const watcher = watch(path, notice)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return { close: () => {} }
  }
}
