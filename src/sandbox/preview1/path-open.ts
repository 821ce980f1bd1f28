/** `path_open`: the one function that gives a module something new. */
import {
  ALL_FD_FLAGS,
  ALL_OPEN_FLAGS,
  DIRECTORY_RIGHTS,
  FILE_RIGHTS,
  FILE_TYPE,
  FOLLOW,
  knownRights,
  OPEN_FLAG,
  RIGHT,
  STREAM_RIGHTS,
} from './abi.ts'
import type { Context, WasiFunctions } from './context.ts'
import { type Descriptor, newDescriptor } from './descriptors.ts'
import { codeOf, Refusal } from './errno.ts'
import type { Directory, OpenFile } from './files.ts'
import { type Place, type WalkOptions, withPlace } from './paths.ts'

interface Wish {
  readonly openFlags: number
  readonly flags: number
  readonly rights: number
  readonly inheriting: number
  readonly waits: boolean
}

export function openFunction({ memory, descriptors, sinceNs }: Context): WasiFunctions {
  return {
    path_open: (
      fd: number,
      lookupFlags: number,
      pathAt: number,
      size: number,
      openFlags: number,
      base: bigint,
      inheriting: bigint,
      flags: number,
      resultAt: number,
    ) => {
      const wish: Wish = {
        openFlags,
        flags,
        rights: knownRights(base),
        inheriting: knownRights(inheriting),
        waits: sinceNs === undefined,
      }
      const start = descriptors.directory(fd, neededRights(openFlags))
      refuseUnlawful(wish, start.inheriting)
      memory.need(resultAt, 4)
      // As the kernel has it: what must be new is not looked for behind a link. And few paths end in one.
      const follows = (lookupFlags & FOLLOW) !== 0 && !isNew(openFlags)
      const walk: WalkOptions = {
        path: memory.path(pathAt, size),
        end: follows ? 'late' : 'slash',
        linkRoot: start.linkRoot,
        startName: start.preopen,
        writes: changes(wish),
      }
      const opened = withPlace(start.open, walk, (place) => openAt(place, wish))
      memory.writeU32(resultAt, descriptors.add(describe(opened, wish)))
    },
  }
}

const isNew = (flags: number): boolean => (flags & OPEN_FLAG.create) !== 0 && (flags & OPEN_FLAG.exclusive) !== 0

function neededRights(openFlags: number): number {
  const create = (openFlags & OPEN_FLAG.create) === 0 ? 0 : RIGHT.pathCreateFile
  const truncate = (openFlags & OPEN_FLAG.truncate) === 0 ? 0 : RIGHT.pathSetSize
  return RIGHT.pathOpen | create | truncate
}

function refuseUnlawful({ openFlags, flags, rights, inheriting }: Wish, allowed: number): void {
  if ((openFlags & ~ALL_OPEN_FLAGS) !== 0 || (flags & ~ALL_FD_FLAGS) !== 0) throw new Refusal('EINVAL')
  if ((openFlags & OPEN_FLAG.directory) !== 0 && (openFlags & (OPEN_FLAG.create | OPEN_FLAG.truncate)) !== 0)
    throw new Refusal('EINVAL')
  if (((rights | inheriting) & ~allowed) !== 0) throw new Refusal('ENOTCAPABLE')
}

const changes = ({ openFlags, rights }: Wish): boolean =>
  (openFlags & (OPEN_FLAG.create | OPEN_FLAG.truncate)) !== 0 || (rights & CHANGES_FILES) === RIGHT.fdWrite

const CHANGES_FILES = RIGHT.fdWrite | RIGHT.fdAllocate | RIGHT.fdSetSize

function openAt(place: Place, wish: Wish): OpenFile | Directory {
  const { directory, name } = place
  if (name === undefined) {
    refuseForDirectory(wish)
    return directory.duplicate()
  }
  if (place.wantsDirectory && (wish.openFlags & OPEN_FLAG.create) !== 0) throw new Refusal('EISDIR')
  if (place.wantsDirectory || (wish.openFlags & OPEN_FLAG.directory) !== 0) return enter(directory, name, wish)
  try {
    return openFile(directory, name, wish)
  } catch (error) {
    if (codeOf(error) !== 'EISDIR') throw error
  }
  return enter(directory, name, wish)
}

function openFile(directory: Directory, name: string, { rights, openFlags, flags, waits }: Wish): OpenFile {
  return directory.openFile(name, {
    read: (rights & RIGHT.fdRead) !== 0 || (rights & CHANGES_FILES) === 0,
    write: (rights & CHANGES_FILES) !== 0,
    create: (openFlags & OPEN_FLAG.create) !== 0,
    exclusive: (openFlags & OPEN_FLAG.exclusive) !== 0,
    truncate: (openFlags & OPEN_FLAG.truncate) !== 0,
    flags,
    waits,
  })
}

function enter(directory: Directory, name: string, wish: Wish): Directory {
  const entered = directory.enter(name)
  try {
    refuseForDirectory(wish)
    return entered
  } catch (error) {
    entered.close()
    throw error
  }
}

function refuseForDirectory({ openFlags, rights }: Wish): void {
  if (isNew(openFlags)) throw new Refusal('EEXIST')
  if ((openFlags & (OPEN_FLAG.create | OPEN_FLAG.truncate)) !== 0) throw new Refusal('EISDIR')
  if ((rights & RIGHT.fdWrite) !== 0) throw new Refusal('EISDIR')
}

/** Of the rights it asked for it has those that mean something for what was found. */
function describe(open: OpenFile | Directory, { rights, inheriting, flags }: Wish): Descriptor {
  if (open.kind === 'directory')
    return newDescriptor(open, FILE_TYPE.directory, {
      flags,
      rights: rights & DIRECTORY_RIGHTS,
      inheriting,
    })
  const type = open.type ?? open.status().type
  const able = type === FILE_TYPE.regularFile ? FILE_RIGHTS : STREAM_RIGHTS
  return newDescriptor(open, type, { flags, rights: rights & able, inheriting: 0 })
}
