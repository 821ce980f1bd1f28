/**
 * A directory of the host, by its descriptor. What is in it is reached by one component, which is never followed, from what the
 * descriptor holds, wherever that is by now. So nothing that another process renames or replaces meanwhile leads anywhere else.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { codeOf, Refusal } from './errno.ts'
import { hostTime, rememberTimes } from './exact-times.ts'
import type { Directory, DirectoryEntry, FileStatus, NewTimes, OpenFile, OpenOptions } from './files.ts'
import { openHostFile, setTimes } from './host-file.ts'
import { isLinkless } from './linkless.ts'
import { decodeText } from './memory.ts'
import { statusOf, typeOf } from './status.ts'
import { openWays, type Ways } from './ways.ts'
import { below, type Handle, leadsTo, leave, through } from './working-directory.ts'

/** Linux: a handle on the place only, which needs no right to read it. Node does not name it. */
const O_PATH = 0x20_0000
const UNREADABLE = '\ufffd'
const HANDLE = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** @throws the error of the system call when there is no such directory; links in `path` itself are the caller's and followed */
export function openHostDirectory(path: string, { readOnly = false } = {}): HostDirectory {
  const fd = openSync(path, HANDLE & ~constants.O_NOFOLLOW)
  return new HostDirectory({ fd }, { readOnly, path, takesWays: isLinkless(fd) })
}

export class HostDirectory implements Directory {
  readonly kind = 'directory'
  readonly readOnly: boolean
  readonly takesWays: boolean
  readonly #handle: Handle
  readonly #path: string
  #ways: Ways<HostDirectory> | undefined
  #users = 1
  #numbers: Numbers | undefined
  /** The one last entered: opening by way of /proc takes many times as long as looking whether it is still the same. */
  #entered: { readonly name: string; readonly directory: HostDirectory } | undefined

  /** @param handle - closed with it @param path - leads there when nobody changes anything; checked whenever it is used */
  constructor(handle: Handle, { readOnly, takesWays, path }: Options) {
    this.#handle = handle
    this.readOnly = readOnly
    this.takesWays = takesWays
    this.#path = path ?? through(handle, '.')
  }

  status() {
    return statusOf(fstatSync(this.#handle.fd, { bigint: true }))
  }

  reach(way: string): HostDirectory | undefined {
    return this.#ways?.find(way)
  }

  remember(way: string, to: Directory): void {
    if (!(to instanceof HostDirectory)) return
    this.#ways ??= openWays(this.#path)
    this.#ways.keep(way, to)
  }

  isAt(path: string): boolean {
    return leadsTo(this.#handle, path, (where) => this.#hasNumbersOf(where))
  }

  hold(): void {
    this.#users++
  }

  lookup(name: string) {
    return statusOf(this.#stats(name))
  }

  find(name: string): FileStatus | undefined {
    const stats = lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false })
    return stats && statusOf(stats)
  }

  /** Node is quicker with numbers, but those of some file systems are too large to be exact. */
  inode(name: string): number | bigint {
    const ino = lstatSync(this.#at(name), { throwIfNoEntry: false })?.ino ?? 0
    return Number.isSafeInteger(ino) ? ino : (this.find(name)?.inode ?? 0)
  }

  /** What is there, if anything, and whether it is how overlayfs marks what is deleted: a device 0/0. */
  peek(name: string): { status: FileStatus; isHole: boolean } | undefined {
    const stats = lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false })
    return stats && { status: statusOf(stats), isHole: stats.isCharacterDevice() && stats.rdev === 0n }
  }

  enter(name: string): HostDirectory {
    const known = this.#entered
    if (known?.name === name && known.directory.#isAtLink(this.#at(name))) {
      known.directory.hold()
      return known.directory
    }
    const directory = this.#open(name)
    known?.directory.close()
    this.#entered = { name, directory }
    directory.hold()
    return directory
  }

  duplicate(): HostDirectory {
    return this.#open('.')
  }

  openFile(name: string, options: OpenOptions): OpenFile {
    if (!this.readOnly) return openHostFile(this.#at(name), options, true)
    if (options.write || options.truncate) {
      if (!options.create) this.lookup(name)
      throw new Refusal('EROFS')
    }
    return this.#openReadOnly(name, options)
  }

  readLink(name: string): string {
    return decodeText(readlinkSync(this.#at(name), { encoding: 'buffer' }))
  }

  /** Names that are no UTF-8 have no name in preview 1, and are left out. */
  entries(): DirectoryEntry[] {
    const itself = through(this.#handle, '.')
    const all = readdirSync(itself, { withFileTypes: true })
    if (!all.some(({ name }) => name.includes(UNREADABLE)))
      return all.map((entry) => ({ name: entry.name, type: typeOf(entry) }))
    const found: DirectoryEntry[] = []
    for (const entry of readdirSync(itself, { withFileTypes: true, encoding: 'buffer' })) {
      const name = entry.name.toString('utf8')
      if (Buffer.from(name).equals(entry.name)) found.push({ name, type: typeOf(entry) })
    }
    return found
  }

  names(): readonly string[] {
    return readdirSync(through(this.#handle, '.'))
  }

  makeDirectory(name: string): void {
    this.#refuseIfReadOnly(name, true)
    mkdirSync(this.#at(name))
  }

  makeLink(name: string, target: string): void {
    this.#refuseIfReadOnly(name, true)
    symlinkSync(target, this.#at(name))
  }

  removeDirectory(name: string): void {
    this.#refuseIfReadOnly(name, false)
    rmdirSync(this.#at(name))
  }

  removeFile(name: string): void {
    this.#refuseIfReadOnly(name, false)
    unlinkSync(this.#at(name))
  }

  setTimes(times: NewTimes): void {
    if (this.readOnly) throw new Refusal('EROFS')
    const fd = openSync(this.#at('.'), constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      setTimes(fd, times)
    } finally {
      closeSync(fd)
    }
  }

  setEntryTimes(name: string, times: NewTimes): void {
    this.#refuseIfReadOnly(name, false)
    const before = this.#stats(name)
    lutimesSync(this.#at(name), hostTime(times.accessed), hostTime(times.modified))
    rememberTimes(times, before, this.#stats(name))
  }

  rename(name: string, to: Directory, newName: string): void {
    if (!(to instanceof HostDirectory)) throw new Refusal('EXDEV')
    this.#refuseIfReadOnly(name, false)
    if (to.readOnly) throw new Refusal('EROFS')
    renameSync(...this.#both(name, to, newName))
  }

  /** link(2) follows nothing on Linux. */
  link(name: string, to: Directory, newName: string): void {
    if (!(to instanceof HostDirectory)) throw new Refusal('EXDEV')
    this.lookup(name)
    to.#refuseIfReadOnly(newName, true)
    if (this.readOnly) throw new Refusal('EROFS')
    linkSync(...this.#both(name, to, newName))
  }

  /** A new regular file with the bytes and the mode of this one. @throws EEXIST */
  copy(name: string, to: HostDirectory, newName: string): void {
    const fd = openSync(this.#at(name), constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      copyFileSync(`/proc/self/fd/${fd}`, to.#at(newName), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    } finally {
      closeSync(fd)
    }
  }

  sync(): void {
    const fd = openSync(this.#at('.'), constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }

  close(): void {
    this.#users--
    if (this.#users > 0) return
    this.#entered?.directory.close()
    this.#ways?.close()
    leave(this.#handle)
    closeSync(this.#handle.fd)
  }

  #open(name: string): HostDirectory {
    return new HostDirectory({ fd: openSync(this.#at(name), HANDLE) }, this)
  }

  /** Whether the path is that of this very directory, and no link. */
  #isAtLink(path: string): boolean {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    const mine = fstatSync(this.#handle.fd, { bigint: true })
    return found?.ino === mine.ino && found.dev === mine.dev
  }

  /** As long as the handle is held they are nobody else's. */
  #hasNumbersOf(path: string): boolean {
    this.#numbers ??= numbersOf(fstatSync(this.#handle.fd, { bigint: true }))
    const { device, inode } = this.#numbers
    const found: Stats | BigIntStats | undefined = statSync(path, {
      bigint: typeof inode === 'bigint',
      throwIfNoEntry: false,
    })
    return found !== undefined && found.ino === inode && found.dev === device
  }

  #stats(name: string): BigIntStats {
    return lstatSync(this.#at(name), { bigint: true })
  }

  #at(name: string): string {
    return below(this.#handle, name)
  }

  /** Only one directory can be the one that is worked in. */
  #both(name: string, to: HostDirectory, newName: string): [from: string, to: string] {
    if (to === this) return [this.#at(name), this.#at(newName)]
    return [through(this.#handle, name), through(to.#handle, newName)]
  }

  #openReadOnly(name: string, options: OpenOptions): OpenFile {
    if (options.create && options.exclusive && this.find(name) !== undefined) throw new Refusal('EEXIST')
    try {
      return openHostFile(this.#at(name), { ...options, create: false, exclusive: false }, false)
    } catch (error) {
      if (options.create && codeOf(error) === 'ENOENT') throw new Refusal('EROFS', { cause: error })
      throw error
    }
  }

  /** As the kernel has it: what is there or is missing is told before that nothing can be changed. */
  #refuseIfReadOnly(name: string, isNew: boolean): void {
    if (!this.readOnly) return
    const found = this.find(name)
    if (isNew && found !== undefined) throw new Refusal('EEXIST')
    throw new Refusal(isNew || found !== undefined ? 'EROFS' : 'ENOENT')
  }
}

interface Options {
  readonly readOnly: boolean
  readonly takesWays: boolean
  readonly path?: string
}

interface Numbers {
  readonly device: number | bigint
  readonly inode: number | bigint
}

/** Node is quicker with numbers, but those of some file systems are too large to be exact. */
function numbersOf({ dev, ino }: BigIntStats): Numbers {
  const [device, inode] = [Number(dev), Number(ino)]
  const exact = Number.isSafeInteger(device) && Number.isSafeInteger(inode)
  return exact ? { device, inode } : { device: dev, inode: ino }
}
