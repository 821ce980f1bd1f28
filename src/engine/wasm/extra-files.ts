/** `wasm pack --file SRC:DST`: files and directories that go into the image beside the program. */
import { createReadStream, readdirSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import type { ArchiveFile } from '../../images/write-tar.ts'

/**
 * Directories go in with everything below them; links in them are followed, as by `cp -L`.
 *
 * @param words - `SRC:DST`; a `DST` that ends in `/` takes the name of the source
 * @throws {InvalidArgument}
 */
export function extraFiles(words: readonly string[]): ArchiveFile[] {
  return words.flatMap((word) => {
    const colon = word.lastIndexOf(':')
    const [source, target] = [word.slice(0, colon), word.slice(colon + 1)]
    if (colon < 1 || !target.startsWith('/'))
      throw new InvalidArgument(`invalid --file ${JSON.stringify(word)}`, { hint: 'write SRC:/absolute/path/in/image' })
    const named = target.endsWith('/') && statSync(source, { throwIfNoEntry: false })?.isFile() === true
    return filesBelow(source, posix.join(target, named ? posix.basename(source) : '', '.'))
  })
}

/** @param above - the directories on the way there: one that is met again holds itself, by a link */
function filesBelow(source: string, target: string, above: readonly string[] = []): ArchiveFile[] {
  const stats = statSync(source, { throwIfNoEntry: false })
  if (stats === undefined) throw new InvalidArgument(`${source}: no such file or directory`)
  if (stats.isDirectory()) {
    const here = `${stats.dev}:${stats.ino}`
    if (above.includes(here)) throw new InvalidArgument(`${source} leads back to a directory that it is in`)
    return readdirSync(source)
      .toSorted()
      .flatMap((name) => filesBelow(join(source, name), posix.join(target, name), [...above, here]))
  }
  const path = posix.relative('/', target)
  if (!stats.isFile() || path === '') throw new InvalidArgument(`${source} is neither a file nor a directory`)
  const mode = (stats.mode & 0o111) === 0 ? 0o644 : 0o755
  return [{ path, sizeBytes: stats.size, mode, open: () => createReadStream(source) }]
}
