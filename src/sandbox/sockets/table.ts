/** The sockets of one module by their numbers. */
import { type Connection, SocketError } from './connection.ts'
import { MAX_SOCKETS } from './crowd.ts'
import type { Datagrams } from './datagrams.ts'
import type { Listener } from './listener.ts'
import type { NameQuestion } from './question.ts'

export type Entry = Connection | Listener | Datagrams | NameQuestion

export interface Table {
  /** @throws {SocketError} EBADF */
  at(number: number): Entry
  /** @throws {SocketError} EBADF; `otherwise` for another kind */
  of<Kind extends Entry['kind']>(kind: Kind, number: number, otherwise: string): Extract<Entry, { readonly kind: Kind }>
  add(entry: Entry): number
  /** @throws {SocketError} EMFILE there are as many as there may be */
  mustHaveRoom(): void
  remove(number: number): void
}

/** Connections have a bound of their own; this is for all kinds. */
const MAX_ENTRIES = 2 * MAX_SOCKETS

export function openTable(): Table {
  const entries: (Entry | undefined)[] = []
  const at = (number: number) => {
    const found = entries[number]
    if (found === undefined) throw new SocketError('EBADF')
    return found
  }
  return {
    at,
    of: (kind, number, otherwise) => {
      const found = at(number)
      if (found.kind !== kind) throw new SocketError(otherwise)
      return found as Extract<Entry, { readonly kind: typeof kind }>
    },
    add: (entry) => {
      const free = entries.indexOf(undefined)
      const number = free === -1 ? entries.length : free
      entries[number] = entry
      return number
    },
    mustHaveRoom: () => {
      if (entries.length >= MAX_ENTRIES && !entries.includes(undefined)) throw new SocketError('EMFILE')
    },
    remove: (number) => {
      entries[number] = undefined
    },
  }
}
