/**
 * A directory of an image: unpacked layers, never changed, and above them one that takes all changes. What overlayfs does,
 * for those who may not mount: a file is copied up when it is first opened for writing, what is deleted is marked, and a
 * directory that layers below have a part in cannot be renamed (EXDEV, on which programs copy).
 */
import { FILE_TYPE } from './abi.ts'
import { Refusal } from './errno.ts'
import type { Directory, DirectoryEntry, FileStatus, NewTimes, OpenFile, OpenOptions } from './files.ts'
import { type HostDirectory, openHostDirectory } from './host-directory.ts'
import { copyUp, type Found, findIn } from './layers.ts'
import { find, hide, isOpaque, isReserved, makeOpaque, removeMarks, unhide } from './whiteouts.ts'

/** @param layers - directories of the host; `lower` top-most first. Without `upper` nothing can be changed. */
export function openLayers({ upper, lower }: { upper?: string; lower: readonly string[] }): Directory {
  const above = upper === undefined ? undefined : openHostDirectory(upper)
  return new LayeredDirectory(
    above,
    lower.map((path) => openHostDirectory(path, { readOnly: true })),
  )
}

interface Origin {
  readonly parent: LayeredDirectory
  readonly name: string
}

class LayeredDirectory implements Directory {
  readonly kind = 'directory'
  #upper: HostDirectory | undefined
  readonly #lower: readonly HostDirectory[]
  readonly #origin: Origin | undefined
  /** A child needs its parent for as long as it may have to be made in the upper layer. */
  #users = 1

  constructor(upper: HostDirectory | undefined, lower: readonly HostDirectory[], origin?: Origin) {
    this.#upper = upper
    this.#lower = lower
    this.#origin = origin
    if (origin !== undefined) origin.parent.#users++
  }

  /** Its number stays that of the layer below when it comes to have a part in the upper one. */
  status(): FileStatus {
    const upper = this.#findUpper()?.status()
    const lower = this.#lower[0]?.status()
    if (upper === undefined || lower === undefined) return upper ?? lower ?? gone()
    return { ...upper, device: lower.device, inode: lower.inode }
  }

  lookup(name: string): FileStatus {
    return this.find(name) ?? gone()
  }

  find(name: string): FileStatus | undefined {
    const status = this.#find(name)?.status
    if (status === undefined || status.type !== FILE_TYPE.directory) return status
    const entered = this.enter(name)
    try {
      return entered.status()
    } finally {
      entered.close()
    }
  }

  enter(name: string): LayeredDirectory {
    const { status } = this.#get(name)
    if (status.type === FILE_TYPE.symbolicLink) throw new Refusal('ELOOP')
    if (status.type !== FILE_TYPE.directory) throw new Refusal('ENOTDIR')
    let upper: HostDirectory | undefined
    const lower: HostDirectory[] = []
    for (const layer of this.#layers()) {
      const here = find(layer, name)
      if (here === undefined) continue
      if (here === 'gone' || here.type !== FILE_TYPE.directory) break
      const entered = layer.enter(name)
      if (layer === this.#upper) upper = entered
      else lower.push(entered)
      if (isOpaque(entered)) break
    }
    return new LayeredDirectory(upper, lower, { parent: this, name })
  }

  duplicate(): LayeredDirectory {
    return new LayeredDirectory(
      this.#findUpper()?.duplicate(),
      this.#lower.map((layer) => layer.duplicate()),
      this.#origin,
    )
  }

  openFile(name: string, options: OpenOptions): OpenFile {
    const found = this.#find(name)
    if (found === undefined) {
      if (!options.create) gone()
      return this.#make(name, (upper) => upper.openFile(name, options))
    }
    if (options.create && options.exclusive) throw new Refusal('EEXIST')
    if (found.status.type === FILE_TYPE.symbolicLink) throw new Refusal('ELOOP')
    const changes = options.write || options.truncate
    return (changes ? this.#copyUp(name) : found.layer).openFile(name, { ...options, create: false })
  }

  readLink(name: string): string {
    return this.#get(name).layer.readLink(name)
  }

  entries(): DirectoryEntry[] {
    const names = new Set(this.#layers().flatMap((layer) => layer.entries().map(({ name }) => name)))
    return [...names]
      .filter((name) => !isReserved(name))
      .flatMap((name) => {
        const found = this.#find(name)
        return found === undefined ? [] : { name, type: found.status.type }
      })
  }

  makeDirectory(name: string): void {
    this.#refuseExisting(name)
    const hidesOther = this.#findBelow(name, { whole: true }) !== undefined
    this.#make(name, (upper) => {
      upper.makeDirectory(name)
      if (hidesOther) using(upper.enter(name), makeOpaque)
    })
  }

  makeLink(name: string, target: string): void {
    this.#refuseExisting(name)
    this.#make(name, (upper) => upper.makeLink(name, target))
  }

  removeFile(name: string): void {
    if (this.#get(name).status.type === FILE_TYPE.directory) throw new Refusal('EISDIR')
    this.#remove(name, (upper) => upper.removeFile(name))
  }

  removeDirectory(name: string): void {
    if (this.#get(name).status.type !== FILE_TYPE.directory) throw new Refusal('ENOTDIR')
    using(this.enter(name), (directory) => {
      if (directory.entries().length > 0) throw new Refusal('ENOTEMPTY')
    })
    this.#remove(name, (upper) => {
      using(upper.enter(name), removeMarks)
      upper.removeDirectory(name)
    })
  }

  setTimes(times: NewTimes): void {
    this.#needUpper().setTimes(times)
  }

  setEntryTimes(name: string, times: NewTimes): void {
    this.#copyUp(name).setEntryTimes(name, times)
  }

  rename(name: string, to: Directory, newName: string): void {
    if (!(to instanceof LayeredDirectory)) throw new Refusal('EXDEV')
    refuseReserved(newName)
    const { status } = this.#get(name)
    const isDirectory = status.type === FILE_TYPE.directory
    if (isDirectory && to.#isOrIsBelow(this.lookup(name))) throw new Refusal('EINVAL')
    const target = to.#find(newName)?.status
    if (target?.type === FILE_TYPE.directory && this.#isOrIsBelow(to.lookup(newName))) throw new Refusal('ENOTEMPTY')
    if (target !== undefined && isSame(target, status)) return
    if (isDirectory && target !== undefined && target.type !== FILE_TYPE.directory) throw new Refusal('ENOTDIR')
    if (!isDirectory && target?.type === FILE_TYPE.directory) throw new Refusal('EISDIR')
    if (isDirectory && this.#findBelow(name) !== undefined) throw new Refusal('EXDEV')
    if (isDirectory && target !== undefined) to.removeDirectory(newName)
    const upper = this.#copyUp(name)
    const hidesOther = isDirectory && to.#findBelow(newName, { whole: true }) !== undefined
    if (hidesOther) using(upper.enter(name), makeOpaque)
    const showsOther = this.#findBelow(name) !== undefined
    to.#make(newName, (toUpper) => upper.rename(name, toUpper, newName))
    if (showsOther) hide(upper, name)
  }

  link(name: string, to: Directory, newName: string): void {
    if (!(to instanceof LayeredDirectory)) throw new Refusal('EXDEV')
    const { status } = this.#get(name)
    to.#refuseExisting(newName)
    if (status.type === FILE_TYPE.directory) throw new Refusal('EPERM')
    const upper = this.#copyUp(name)
    to.#make(newName, (toUpper) => upper.link(name, toUpper, newName))
  }

  sync(): void {
    this.#findUpper()?.sync()
  }

  close(): void {
    this.#users--
    if (this.#users > 0) return
    this.#upper?.close()
    for (const layer of this.#lower) layer.close()
    this.#origin?.parent.close()
  }

  #isOrIsBelow(ancestor: FileStatus): boolean {
    if (isSame(this.status(), ancestor)) return true
    return this.#origin !== undefined && this.#origin.parent.#isOrIsBelow(ancestor)
  }

  #layers(): readonly HostDirectory[] {
    const upper = this.#findUpper()
    return upper === undefined ? this.#lower : [upper, ...this.#lower]
  }

  /** Another handle may have made it since. */
  #findUpper(): HostDirectory | undefined {
    if (this.#upper !== undefined || this.#origin === undefined) return this.#upper
    const { parent, name } = this.#origin
    const above = parent.#findUpper()
    const status = above && find(above, name)
    if (status === undefined || status === 'gone' || status.type !== FILE_TYPE.directory) return undefined
    this.#upper = above?.enter(name)
    return this.#upper
  }

  /** @throws {Refusal} EROFS */
  #needUpper(): HostDirectory {
    const found = this.#findUpper()
    if (found !== undefined) return found
    if (this.#origin === undefined) throw new Refusal('EROFS')
    const { parent, name } = this.#origin
    const above = parent.#needUpper()
    above.makeDirectory(name)
    this.#upper = above.enter(name)
    return this.#upper
  }

  #find(name: string): Found | undefined {
    return isReserved(name) ? undefined : findIn(this.#layers(), name)
  }

  #get(name: string): Found {
    return this.#find(name) ?? gone()
  }

  /** What would show if it were not in the upper layer; `whole` looks also behind what is marked as gone there. */
  #findBelow(name: string, { whole = false } = {}): Found | undefined {
    const upper = this.#findUpper()
    if (!whole && upper !== undefined && find(upper, name) === 'gone') return undefined
    return findIn(this.#lower, name)
  }

  #refuseExisting(name: string): void {
    refuseReserved(name)
    if (this.#find(name) !== undefined) throw new Refusal('EEXIST')
  }

  #make<Result>(name: string, make: (upper: HostDirectory) => Result): Result {
    refuseReserved(name)
    const upper = this.#needUpper()
    const made = make(upper)
    unhide(upper, name)
    return made
  }

  /** First hidden, then removed: at no time does what lies below show again. */
  #remove(name: string, remove: (upper: HostDirectory) => void): void {
    const upper = this.#needUpper()
    if (this.#findBelow(name) !== undefined) hide(upper, name)
    if (upper.peek(name) !== undefined) remove(upper)
  }

  /** The upper layer, with the entry in it. */
  #copyUp(name: string): HostDirectory {
    const { layer, status } = this.#get(name)
    const upper = this.#needUpper()
    if (layer === upper) return upper
    if (status.type === FILE_TYPE.directory) {
      using(this.enter(name), (directory) => directory.#needUpper())
      return upper
    }
    copyUp(name, { layer, status }, upper)
    return upper
  }
}

function isSame(a: FileStatus, b: FileStatus): boolean {
  return a.device === b.device && a.inode === b.inode
}

function refuseReserved(name: string): void {
  if (isReserved(name)) throw new Refusal('EINVAL')
}

function gone(): never {
  throw new Refusal('ENOENT')
}

function using<Handle extends { close(): void }>(handle: Handle, use: (handle: Handle) => void): void {
  try {
    use(handle)
  } finally {
    handle.close()
  }
}
