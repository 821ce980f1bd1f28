/** The resource `wasi:filesystem/types.descriptor`: an open file, or a directory with the paths that begin there. */
import { FILE_TYPE, type FileType } from '../preview1/abi.ts'
import type { Clocks } from '../preview1/clocks.ts'
import { Refusal } from '../preview1/errno.ts'
import type { Directory, DirectoryEntry, FileStatus, NewTime, NewTimes, OpenFile } from '../preview1/files.ts'
import { type Place, type WalkOptions, withPlace } from '../preview1/paths.ts'
import { makeHardLink, makeLink, named, rename, statusAt, unlink } from '../preview1/place-operations.ts'
import { answering, Failure } from './failure.ts'
import { fileSink, fileSource } from './file-streams.ts'
import { InputStream, OutputStream } from './streams.ts'

type Flags<Name extends string> = Readonly<Partial<Record<Name, boolean>>>
type DescriptorFlags = Flags<'read' | 'write' | 'mutateDirectory'>
type OpenFlags = Flags<'create' | 'directory' | 'exclusive' | 'truncate'>
type PathFlags = Flags<'symlinkFollow'>
type NewTimestamp =
  | { readonly tag: 'no-change' | 'now' }
  | { readonly tag: 'timestamp'; readonly val: { readonly seconds: bigint; readonly nanoseconds: number } }

export interface Opened {
  readonly open: OpenFile | Directory
  /** Where absolute links below it lead. */
  readonly linkRoot: Directory | undefined
  /** Under which it was given. */
  readonly name?: string
  readonly flags?: DescriptorFlags
}

/** A read gives no more at once, whatever it is asked for. */
const MAX_READ_BYTES = 1 << 20

export class Descriptor {
  readonly #clocks: Clocks
  readonly #open: OpenFile | Directory
  readonly #linkRoot: Directory | undefined
  readonly #name: string | undefined
  readonly #flags: DescriptorFlags
  /** The descriptor itself and its streams: the file is closed with the last of them. */
  #users = 1
  #disposed = false

  constructor(clocks: Clocks, { open, linkRoot, name, flags = { read: true, mutateDirectory: true } }: Opened) {
    this.#clocks = clocks
    this.#open = open
    this.#linkRoot = linkRoot
    this.#name = name
    this.#flags = flags
  }

  readViaStream(offset: bigint): InputStream {
    const file = this.#file('read')
    return new InputStream(this.#clocks, fileSource(file, offset, this.#share()))
  }
  writeViaStream(offset: bigint): OutputStream {
    const file = this.#file('write')
    return new OutputStream(this.#clocks, fileSink(file, offset, this.#share()))
  }
  appendViaStream(): OutputStream {
    const file = this.#file('write')
    return new OutputStream(this.#clocks, fileSink(file, undefined, this.#share()))
  }
  advise(): void {
    this.#file()
  }
  syncData(): void {
    const open = this.#open
    answering(() => (open.kind === 'file' ? open.datasync() : open.sync()))
  }
  sync(): void {
    answering(() => this.#open.sync())
  }
  getFlags(): DescriptorFlags {
    return this.#flags
  }
  getType(): string {
    return typeName(answering(() => this.#open.status()).type)
  }
  setSize(size: bigint): void {
    const file = this.#file('write')
    answering(() => file.truncate(position(size)))
  }
  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    answering(() => this.#open.setTimes(newTimes(accessed, modified)))
  }
  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const file = this.#file('read')
    const bytes = new Uint8Array(length < MAX_READ_BYTES ? Number(length) : MAX_READ_BYTES)
    const read = answering(() => file.read([bytes], position(offset)))
    return [bytes.subarray(0, read), read === 0 && length > 0n]
  }
  write(bytes: Uint8Array, offset: bigint): bigint {
    const file = this.#file('write')
    return BigInt(answering(() => file.write([bytes], position(offset))))
  }
  readDirectory(): DirectoryEntryStream {
    const directory = this.#directory()
    return new DirectoryEntryStream(answering(() => directory.entries()))
  }
  stat() {
    return describe(answering(() => this.#open.status()))
  }
  isSameObject(other: Descriptor): boolean {
    const [mine, theirs] = answering(() => [this.#open.status(), other.#open.status()])
    return mine?.device === theirs?.device && mine?.inode === theirs?.inode
  }
  metadataHash() {
    return hash(answering(() => this.#open.status()))
  }

  createDirectoryAt(path: string): void {
    this.#at(path, 'keep', ({ directory, name }) => directory.makeDirectory(named(name, 'EEXIST')))
  }
  statAt(flags: PathFlags, path: string) {
    return describe(this.#at(path, following(flags), statusAt))
  }
  metadataHashAt(flags: PathFlags, path: string) {
    return hash(this.#at(path, following(flags), statusAt))
  }
  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    this.#at(path, following(flags), (place) => {
      statusAt(place)
      const times = newTimes(accessed, modified)
      if (place.name === undefined) place.directory.setTimes(times)
      else place.directory.setEntryTimes(place.name, times)
    })
  }
  linkAt(flags: PathFlags, path: string, to: Descriptor, newPath: string): void {
    this.#at(path, following(flags), (from) => to.#at(newPath, 'keep', (place) => makeHardLink(from, place)))
  }
  renameAt(path: string, to: Descriptor, newPath: string): void {
    this.#at(path, 'keep', (from) => to.#at(newPath, 'keep', (place) => rename(from, place)))
  }
  readlinkAt(path: string): string {
    const target = this.#at(path, 'slash', ({ directory, name }) => directory.readLink(named(name, 'EINVAL')))
    if (target.startsWith('/') && this.#linkRoot === undefined) throw new Failure('not-permitted')
    return target
  }
  symlinkAt(target: string, path: string): void {
    answering(() => {
      if (target === '') throw new Refusal('ENOENT')
      if (target.includes('\0')) throw new Refusal('EINVAL')
      // What leads out could not be followed here, but others may: no absolute link is left in a volume.
      if (target.startsWith('/') && this.#linkRoot === undefined) throw new Refusal('ENOTCAPABLE')
    })
    this.#at(path, 'keep', (place) => makeLink(place, target))
  }
  removeDirectoryAt(path: string): void {
    this.#at(path, 'keep', ({ directory, name }) => directory.removeDirectory(named(name, 'EINVAL')))
  }
  unlinkFileAt(path: string): void {
    this.#at(path, 'keep', unlink)
  }
  openAt(pathFlags: PathFlags, path: string, open: OpenFlags, flags: DescriptorFlags): Descriptor {
    const isNew = open.create === true && open.exclusive === true
    const end = pathFlags.symlinkFollow === true && !isNew ? 'follow' : 'slash'
    const opened = this.#at(path, end, (place) => openPlace(place, open, flags))
    return new Descriptor(this.#clocks, { open: opened, linkRoot: this.#linkRoot, flags: given(opened, flags) })
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#release()
  }

  #at<Result>(path: string, end: WalkOptions['end'], use: (place: Place) => Result): Result {
    const walk = { path, end, linkRoot: this.#linkRoot, startName: this.#name }
    return answering(() => withPlace(this.#directory(), walk, use))
  }
  #directory(): Directory {
    if (this.#open.kind !== 'directory') throw new Failure('not-directory')
    return this.#open
  }
  #file(use?: 'read' | 'write'): OpenFile {
    if (this.#open.kind !== 'file') throw new Failure(use === undefined ? 'bad-descriptor' : 'is-directory')
    if (use !== undefined && this.#flags[use] !== true) throw new Failure('bad-descriptor')
    return this.#open
  }
  #share(): () => void {
    this.#users += 1
    let shared = true
    return () => {
      if (shared) this.#release()
      shared = false
    }
  }
  #release(): void {
    this.#users -= 1
    if (this.#users === 0) this.#open.close()
  }
}

export class DirectoryEntryStream {
  readonly #entries: Iterator<DirectoryEntry>
  constructor(entries: readonly DirectoryEntry[]) {
    this.#entries = entries.values()
  }
  readDirectoryEntry(): { readonly type: string; readonly name: string } | undefined {
    const { value, done } = this.#entries.next()
    return done === true ? undefined : { type: typeName(value.type), name: value.name }
  }
}

const following = (flags: PathFlags): WalkOptions['end'] => (flags.symlinkFollow === true ? 'follow' : 'slash')

function openPlace(place: Place, wish: OpenFlags, flags: DescriptorFlags): OpenFile | Directory {
  const { directory, name, wantsDirectory, seen } = place
  if (wish.directory === true && (wish.create === true || wish.truncate === true)) throw new Refusal('EINVAL')
  const refuse = () => {
    if (wish.create === true && wish.exclusive === true) throw new Refusal('EEXIST')
    if (wish.create === true || wish.truncate === true || flags.write === true) throw new Refusal('EISDIR')
  }
  if (name === undefined) {
    refuse()
    return directory.duplicate()
  }
  const isDirectory = (seen ?? directory.find(name))?.type === FILE_TYPE.directory
  if (wantsDirectory || wish.directory === true || isDirectory) {
    if (isDirectory) refuse()
    else if (wish.create === true) throw new Refusal('EISDIR')
    return directory.enter(name)
  }
  return directory.openFile(name, {
    read: flags.read === true || flags.write !== true,
    write: flags.write === true,
    create: wish.create === true,
    exclusive: wish.exclusive === true,
    truncate: wish.truncate === true,
    flags: 0,
  })
}

function given(
  { kind }: OpenFile | Directory,
  { read = false, write = false, mutateDirectory = false }: DescriptorFlags,
) {
  return kind === 'file' ? { read, write } : { read, mutateDirectory }
}

/** Beyond what a number holds there are no files. */
function position(offset: bigint): number {
  if (offset > Number.MAX_SAFE_INTEGER) throw new Failure('invalid')
  return Number(offset)
}

const SECOND_NS = 1_000_000_000n

function newTimes(accessed: NewTimestamp, modified: NewTimestamp): NewTimes {
  return { accessed: newTime(accessed), modified: newTime(modified) }
}

function newTime(time: NewTimestamp): NewTime {
  if (time.tag !== 'timestamp') return time.tag === 'now' ? 'now' : 'keep'
  const ns = time.val.seconds * SECOND_NS + BigInt(time.val.nanoseconds)
  if (ns >= 1n << 63n) throw new Refusal('EINVAL')
  return ns
}

const TYPES: Readonly<Record<FileType, string>> = {
  [FILE_TYPE.unknown]: 'unknown',
  [FILE_TYPE.blockDevice]: 'block-device',
  [FILE_TYPE.characterDevice]: 'character-device',
  [FILE_TYPE.directory]: 'directory',
  [FILE_TYPE.regularFile]: 'regular-file',
  [FILE_TYPE.socketDatagram]: 'socket',
  [FILE_TYPE.socketStream]: 'socket',
  [FILE_TYPE.symbolicLink]: 'symbolic-link',
}
const typeName = (type: FileType): string => TYPES[type]

function describe({ type, links, size, accessedNs, modifiedNs, changedNs }: FileStatus) {
  const datetime = (ns: bigint) =>
    ns < 0n ? undefined : { seconds: ns / SECOND_NS, nanoseconds: Number(ns % SECOND_NS) }
  return {
    type: typeName(type),
    linkCount: links,
    size,
    dataAccessTimestamp: datetime(accessedNs),
    dataModificationTimestamp: datetime(modifiedNs),
    statusChangeTimestamp: datetime(changedNs),
  }
}

/** The same for the same file as long as it does not change. */
function hash({ device, inode, size, modifiedNs, changedNs }: FileStatus) {
  const mixed = BigInt.asUintN(64, (modifiedNs ^ (size << 32n)) * 0x9e37_79b9_7f4a_7c15n + changedNs)
  return { lower: BigInt.asUintN(64, inode), upper: BigInt.asUintN(64, mixed ^ device) }
}
