/** What is done to a file by its path. Every path begins at a directory that the module holds, and stays below it. */
import { FOLLOW, RIGHT } from './abi.ts'
import type { Context, WasiFunctions } from './context.ts'
import { Refusal } from './errno.ts'
import { newTimes, writeStatus } from './fd-functions.ts'
import { type Place, type WalkOptions, withPlace } from './paths.ts'
import { makeHardLink, makeLink, named, rename, statusAt, unlink } from './place-operations.ts'

/** Of a path in the module's memory. */
type PathAt = readonly [fd: number, at: number, size: number]

export function pathFunctions({ memory, descriptors }: Context): WasiFunctions {
  const at = <Result>(
    rights: number,
    [fd, pathAt, size]: PathAt,
    end: WalkOptions['end'],
    use: (place: Place) => Result,
  ) => {
    const { open, linkRoot, preopen: startName } = descriptors.directory(fd, rights)
    return withPlace(open, { path: memory.path(pathAt, size), end, linkRoot, startName }, use)
  }
  const following = (flags: number) => ((flags & FOLLOW) === 0 ? 'slash' : 'follow')
  return {
    path_create_directory: (...path: PathAt) =>
      at(RIGHT.pathCreateDirectory, path, 'keep', ({ directory, name }) =>
        directory.makeDirectory(named(name, 'EEXIST')),
      ),
    path_filestat_get: (fd: number, flags: number, pathAt: number, size: number, resultAt: number) =>
      writeStatus(memory, resultAt, at(RIGHT.pathStat, [fd, pathAt, size], following(flags), statusAt)),
    path_filestat_set_times: (
      fd: number,
      flags: number,
      pathAt: number,
      size: number,
      accessed: bigint,
      modified: bigint,
      timeFlags: number,
    ) => {
      const times = newTimes(accessed, modified, timeFlags)
      at(RIGHT.pathSetTimes, [fd, pathAt, size], following(flags), (place) => {
        statusAt(place)
        if (place.name === undefined) place.directory.setTimes(times)
        else place.directory.setEntryTimes(place.name, times)
      })
    },
    path_link: (
      fd: number,
      flags: number,
      pathAt: number,
      size: number,
      newFd: number,
      newAt: number,
      newSize: number,
    ) => {
      descriptors.directory(newFd, RIGHT.pathLinkTarget)
      at(RIGHT.pathLinkSource, [fd, pathAt, size], following(flags), (from) =>
        at(RIGHT.pathLinkTarget, [newFd, newAt, newSize], 'keep', (to) => makeHardLink(from, to)),
      )
    },
    path_readlink: (fd: number, pathAt: number, size: number, into: number, intoSize: number, usedAt: number) => {
      const target = at(RIGHT.pathReadlink, [fd, pathAt, size], 'slash', ({ directory, name }) =>
        directory.readLink(named(name, 'EINVAL')),
      )
      const bytes = Buffer.from(target).subarray(0, intoSize >>> 0)
      memory.need(usedAt, 4)
      memory.bytes(into, intoSize).set(bytes)
      memory.writeU32(usedAt, bytes.length)
    },
    path_remove_directory: (...path: PathAt) =>
      at(RIGHT.pathRemoveDirectory, path, 'keep', ({ directory, name }) =>
        directory.removeDirectory(named(name, 'EINVAL')),
      ),
    path_rename: (fd: number, pathAt: number, size: number, newFd: number, newAt: number, newSize: number) => {
      descriptors.directory(newFd, RIGHT.pathRenameTarget)
      at(RIGHT.pathRenameSource, [fd, pathAt, size], 'keep', (from) =>
        at(RIGHT.pathRenameTarget, [newFd, newAt, newSize], 'keep', (to) => rename(from, to)),
      )
    },
    path_symlink: (targetAt: number, targetSize: number, fd: number, pathAt: number, size: number) => {
      const target = memory.path(targetAt, targetSize)
      if (target === '') throw new Refusal('ENOENT')
      if (target.includes('\0')) throw new Refusal('EINVAL')
      const { linkRoot } = descriptors.directory(fd, RIGHT.pathSymlink)
      // What leads out could not be followed here, but others may: no absolute link is left in a volume.
      if (target.startsWith('/') && linkRoot === undefined) throw new Refusal('ENOTCAPABLE')
      at(RIGHT.pathSymlink, [fd, pathAt, size], 'keep', (place) => makeLink(place, target))
    },
    path_unlink_file: (...path: PathAt) => at(RIGHT.pathUnlinkFile, path, 'keep', unlink),
  }
}
