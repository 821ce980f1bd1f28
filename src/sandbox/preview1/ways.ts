/**
 * Ways that have been walked, from one directory to others below it. The next call along one of them asks the kernel only
 * whether it still leads to the very directory that the walk came to; then the handle of the walk is used, never what the
 * kernel came to. So a way is as safe as when it was walked, whatever it has become since.
 */

/** What a way leads to; closed by whoever holds it last. */
interface Target {
  /** Whether `path` leads to it, by whatever links. */
  isAt(path: string): boolean
  hold(): void
  close(): void
}

export interface Ways<Directory extends Target> {
  /** To be closed. */
  find(way: string): Directory | undefined
  keep(way: string, to: Directory): void
  close(): void
}

/** Each costs a descriptor. */
const MAX_WAYS = 256

/** @param top - a path of the directory they begin in, which may have become wrong since */
export function openWays<Directory extends Target>(top: string): Ways<Directory> {
  const known = new Map<string, Directory>()
  const forget = (way: string) => {
    const directory = known.get(way)
    known.delete(way)
    directory?.close()
  }
  return {
    find: (way) => {
      const directory = known.get(way)
      if (directory === undefined) return undefined
      if (!directory.isAt(`${top}/${way}`)) {
        forget(way)
        return undefined
      }
      directory.hold()
      return directory
    },
    keep: (way, to) => {
      forget(way)
      to.hold()
      known.set(way, to)
      const [oldest] = known.size > MAX_WAYS ? known.keys() : []
      if (oldest !== undefined) forget(oldest)
    },
    close: () => {
      for (const way of known.keys()) forget(way)
    },
  }
}
