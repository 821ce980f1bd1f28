/** The open things of a module by their numbers, and what it may do with each. */
import type { FileType } from './abi.ts'
import { Refusal } from './errno.ts'
import type { Directory, OpenFile } from './files.ts'
import type { Listing } from './listings.ts'

export interface Descriptor {
  readonly open: OpenFile | Directory
  readonly type: FileType
  /** Of `RIGHT`: what may be done with it, and what with that which is opened through it. Both only ever shrink. */
  rights: number
  inheriting: number
  /** Of `FD_FLAG`. */
  flags: number
  /** Where the next read or write of a regular file is. */
  position: number
  /** The name under which the module was given it. */
  readonly preopen: string | undefined
  /** What `fd_readdir` goes on with: its cookies count in here. */
  listing: Listing | undefined
  /** Where absolute links below it lead. */
  readonly linkRoot: Directory | undefined
}

export type FileDescriptor = Descriptor & { readonly open: OpenFile }
export type DirectoryDescriptor = Descriptor & { readonly open: Directory }

export interface Descriptors {
  /** @throws {Refusal} EBADF; ENOTCAPABLE when it lacks a right */
  get(fd: number, rights?: number): Descriptor
  /** @throws {Refusal} also EISDIR */
  file(fd: number, rights: number): FileDescriptor
  /** @throws {Refusal} also ENOTDIR */
  directory(fd: number, rights: number): DirectoryDescriptor
  /** The lowest number that is free. @throws {Refusal} EMFILE, with the thing closed */
  add(descriptor: Descriptor): number
  close(fd: number): void
  /** `to` becomes what `from` was, and `from` nothing. */
  renumber(from: number, to: number): void
  closeAll(): void
}

const MAX_OPEN = 4096

export function openDescriptors(): Descriptors {
  const table: (Descriptor | undefined)[] = []
  const get = (fd: number, rights = 0) => {
    const found = table[fd]
    if (found === undefined) throw new Refusal('EBADF')
    need(found, rights)
    return found
  }
  const close = (fd: number) => {
    const { open } = get(fd)
    table[fd] = undefined
    open.close()
  }
  return {
    get,
    file: (fd, rights) => {
      const found = get(fd)
      if (!isFile(found)) throw new Refusal('EISDIR')
      need(found, rights)
      return found
    },
    directory: (fd, rights) => {
      const found = get(fd)
      if (!isDirectory(found)) throw new Refusal('ENOTDIR')
      need(found, rights)
      return found
    },
    add: (descriptor) => {
      const free = table.indexOf(undefined)
      const fd = free === -1 ? table.length : free
      if (fd >= MAX_OPEN) {
        descriptor.open.close()
        throw new Refusal('EMFILE')
      }
      table[fd] = descriptor
      return fd
    },
    close,
    renumber: (from, to) => {
      const moved = get(from)
      get(to)
      if (from === to) return
      close(to)
      table[to] = moved
      table[from] = undefined
    },
    closeAll: () => {
      for (const [fd, descriptor] of table.entries()) if (descriptor !== undefined) close(fd)
    },
  }
}

function need(descriptor: Descriptor, rights: number): void {
  if ((descriptor.rights & rights) !== rights) throw new Refusal('ENOTCAPABLE')
}

function isFile(descriptor: Descriptor): descriptor is FileDescriptor {
  return descriptor.open.kind === 'file'
}

function isDirectory(descriptor: Descriptor): descriptor is DirectoryDescriptor {
  return descriptor.open.kind === 'directory'
}

/** One at its beginning. */
export function newDescriptor(
  open: OpenFile | Directory,
  type: FileType,
  rest: Pick<Descriptor, 'rights' | 'inheriting'> & Partial<Pick<Descriptor, 'flags' | 'preopen' | 'linkRoot'>>,
): Descriptor {
  const { rights, inheriting, flags = 0, preopen, linkRoot } = rest
  return { open, type, rights, inheriting, flags, position: 0, preopen, linkRoot, listing: undefined }
}
