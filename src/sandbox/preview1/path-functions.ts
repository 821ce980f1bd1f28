/** What is done to a file by its path. Every path begins at a directory that the module holds, and stays below it. */
import { FILE_TYPE, FOLLOW, RIGHT } from './abi.ts'
import type { Context, WasiFunctions } from './context.ts'
import { Refusal } from './errno.ts'
import { newTimes, writeStatus } from './fd-functions.ts'
import type { FileStatus } from './files.ts'
import { type Place, type WalkOptions, withPlace } from './paths.ts'

/** Of a path in the module's memory. */
type PathAt = readonly [fd: number, at: number, size: number]

export function pathFunctions({ memory, descriptors }: Context): WasiFunctions {
  const at = <Result>(
    rights: bigint,
    [fd, pathAt, size]: PathAt,
    end: WalkOptions['end'],
    use: (place: Place) => Result,
  ) => {
    const { open, linkRoot } = descriptors.directory(fd, rights)
    return withPlace(open, { path: memory.path(pathAt, size), end, linkRoot }, use)
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
      memory.bytes(usedAt, 4)
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

function named(name: string | undefined, refusal: 'EEXIST' | 'EINVAL' | 'EBUSY'): string {
  if (name === undefined) throw new Refusal(refusal)
  return name
}

function statusAt({ directory, name, wantsDirectory, seen }: Place): FileStatus {
  if (name === undefined) return directory.status()
  const status = seen ?? directory.lookup(name)
  if (wantsDirectory && status.type !== FILE_TYPE.directory) throw new Refusal('ENOTDIR')
  return status
}

/** A link goes by itself, never what it leads to. */
function unlink(place: Place): void {
  if (statusAt(place).type === FILE_TYPE.directory) throw new Refusal('EISDIR')
  place.directory.removeFile(named(place.name, 'EINVAL'))
}

function makeLink(place: Place, target: string): void {
  const name = named(place.name, 'EEXIST')
  if (place.wantsDirectory) refuseNew(place)
  place.directory.makeLink(name, target)
}

function makeHardLink(from: Place, to: Place): void {
  if (statusAt(from).type === FILE_TYPE.directory) throw new Refusal('EPERM')
  const newName = named(to.name, 'EEXIST')
  if (to.wantsDirectory) refuseNew(to)
  from.directory.link(named(from.name, 'EINVAL'), to.directory, newName)
}

/** A slash at the end of the name of something new that is no directory. */
function refuseNew({ directory, name }: Place): never {
  directory.lookup(named(name, 'EEXIST'))
  throw new Refusal('EEXIST')
}

function rename(from: Place, to: Place): void {
  const [name, newName] = [named(from.name, 'EBUSY'), named(to.name, 'EBUSY')]
  const { type } = statusAt(from)
  if (type !== FILE_TYPE.directory && to.wantsDirectory) throw new Refusal('ENOTDIR')
  from.directory.rename(name, to.directory, newName)
}
