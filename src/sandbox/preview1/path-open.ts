/** `path_open`: the one function that gives a module something new. */
import {
  ALL_FD_FLAGS,
  ALL_OPEN_FLAGS,
  ALL_RIGHTS,
  DIRECTORY_RIGHTS,
  FILE_RIGHTS,
  FILE_TYPE,
  FOLLOW,
  OPEN_FLAG,
  RIGHT,
  STREAM_RIGHTS,
} from './abi.ts'
import { type Context, unsigned, type WasiFunctions } from './context.ts'
import { type Descriptor, newDescriptor } from './descriptors.ts'
import { Refusal } from './errno.ts'
import type { Directory, OpenFile } from './files.ts'
import { type Place, withPlace } from './paths.ts'

interface Wish {
  readonly openFlags: number
  readonly flags: number
  readonly rights: bigint
  readonly inheriting: bigint
}

export function openFunction({ memory, descriptors }: Context): WasiFunctions {
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
      const wish = { openFlags, flags, rights: unsigned(base), inheriting: unsigned(inheriting) }
      const { open, linkRoot, ...parent } = descriptors.directory(fd, neededRights(openFlags))
      refuseUnlawful(wish, parent.inheriting)
      memory.bytes(resultAt, 4)
      // As the kernel has it: what must be new is not looked for behind a link.
      const follow = (lookupFlags & FOLLOW) !== 0 && !isNew(openFlags)
      const path = memory.path(pathAt, size)
      const opened = withPlace(
        open,
        { path, end: follow ? 'follow' : 'slash', linkRoot, writes: changes(wish) },
        (place) => openAt(place, wish),
      )
      memory.writeU32(resultAt, descriptors.add(describe(opened, wish)))
    },
  }
}

const isNew = (flags: number): boolean => (flags & OPEN_FLAG.create) !== 0 && (flags & OPEN_FLAG.exclusive) !== 0

function neededRights(openFlags: number): bigint {
  const create = (openFlags & OPEN_FLAG.create) === 0 ? 0n : RIGHT.pathCreateFile
  const truncate = (openFlags & OPEN_FLAG.truncate) === 0 ? 0n : RIGHT.pathSetSize
  return RIGHT.pathOpen | create | truncate
}

function refuseUnlawful({ openFlags, flags, rights, inheriting }: Wish, allowed: bigint): void {
  if ((openFlags & ~ALL_OPEN_FLAGS) !== 0 || (flags & ~ALL_FD_FLAGS) !== 0) throw new Refusal('EINVAL')
  if ((openFlags & OPEN_FLAG.directory) !== 0 && (openFlags & (OPEN_FLAG.create | OPEN_FLAG.truncate)) !== 0)
    throw new Refusal('EINVAL')
  // Bits that preview 1 does not know mean nothing: some modules ask for all 64.
  if (((rights | inheriting) & ALL_RIGHTS & ~allowed) !== 0n) throw new Refusal('ENOTCAPABLE')
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
  const wantsDirectory = place.wantsDirectory || (wish.openFlags & OPEN_FLAG.directory) !== 0
  if (wantsDirectory || isDirectory(place)) {
    if (place.wantsDirectory && (wish.openFlags & OPEN_FLAG.create) !== 0) throw new Refusal('EISDIR')
    const entered = directory.enter(name)
    try {
      refuseForDirectory(wish)
      return entered
    } catch (error) {
      entered.close()
      throw error
    }
  }
  return directory.openFile(name, {
    read: (wish.rights & RIGHT.fdRead) !== 0n || (wish.rights & CHANGES_FILES) === 0n,
    write: (wish.rights & CHANGES_FILES) !== 0n,
    create: (wish.openFlags & OPEN_FLAG.create) !== 0,
    exclusive: (wish.openFlags & OPEN_FLAG.exclusive) !== 0,
    truncate: (wish.openFlags & OPEN_FLAG.truncate) !== 0,
    flags: wish.flags,
  })
}

function refuseForDirectory({ openFlags, rights }: Wish): void {
  if (isNew(openFlags)) throw new Refusal('EEXIST')
  if ((openFlags & (OPEN_FLAG.create | OPEN_FLAG.truncate)) !== 0) throw new Refusal('EISDIR')
  if ((rights & RIGHT.fdWrite) !== 0n) throw new Refusal('EISDIR')
}

/** Only to choose the way it is opened: each of them refuses what has become something else by then. */
function isDirectory({ directory, name, seen }: Place): boolean {
  return name === undefined || (seen ?? directory.find(name))?.type === FILE_TYPE.directory
}

/** Of the rights it asked for it has those that mean something for what was found. */
function describe(open: OpenFile | Directory, { rights, inheriting, flags }: Wish): Descriptor {
  if (open.kind === 'directory')
    return newDescriptor(open, FILE_TYPE.directory, {
      flags,
      rights: rights & DIRECTORY_RIGHTS,
      inheriting: inheriting & ALL_RIGHTS,
    })
  const { type } = open.status()
  const able = type === FILE_TYPE.regularFile ? FILE_RIGHTS : STREAM_RIGHTS
  return newDescriptor(open, type, { flags, rights: rights & able, inheriting: 0n })
}
