/** What is done at the end of a path, whichever interface asked for it. */
import { FILE_TYPE } from './abi.ts'
import { Refusal } from './errno.ts'
import type { FileStatus } from './files.ts'
import type { Place } from './paths.ts'

export function named(name: string | undefined, refusal: 'EEXIST' | 'EINVAL' | 'EBUSY'): string {
  if (name === undefined) throw new Refusal(refusal)
  return name
}

export function statusAt({ directory, name, wantsDirectory, seen, isMissing = false }: Place): FileStatus {
  if (name === undefined) return directory.status()
  if (isMissing) throw new Refusal('ENOENT')
  const status = seen ?? directory.lookup(name)
  if (wantsDirectory && status.type !== FILE_TYPE.directory) throw new Refusal('ENOTDIR')
  return status
}

/** A link goes by itself, never what it leads to. */
export function unlink(place: Place): void {
  if (place.wantsDirectory && statusAt(place).type === FILE_TYPE.directory) throw new Refusal('EISDIR')
  place.directory.removeFile(named(place.name, 'EINVAL'))
}

export function makeLink(place: Place, target: string): void {
  const name = named(place.name, 'EEXIST')
  if (place.wantsDirectory) refuseNew(place)
  place.directory.makeLink(name, target)
}

export function makeHardLink(from: Place, to: Place): void {
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

export function rename(from: Place, to: Place): void {
  const [name, newName] = [named(from.name, 'EBUSY'), named(to.name, 'EBUSY')]
  if (from.wantsDirectory || to.wantsDirectory) {
    const { type } = statusAt(from)
    if (type !== FILE_TYPE.directory) throw new Refusal('ENOTDIR')
  }
  from.directory.rename(name, to.directory, newName)
}
