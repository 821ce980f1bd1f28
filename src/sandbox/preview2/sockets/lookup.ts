/** `wasi:sockets/ip-name-lookup`, by the resolver of the container: it answers what the container may know, and so do we. */
import { domainToASCII } from 'node:url'
import { READY } from '../../sockets/protocol.ts'
import { Failure } from '../failure.ts'
import { Pollable } from '../poll.ts'
import { type IpAddress, ipAddress } from './addresses.ts'
import type { Owned } from './switch.ts'
import type { SocketHost } from './tcp.ts'

const LONGEST_NAME = 253

/** @throws {Failure} invalid-argument for what is neither a name nor an address */
export function resolveAddresses(host: SocketHost, name: string): ResolveAddressStream {
  const literal = name.length <= LONGEST_NAME ? ipAddress(name) : undefined
  if (literal !== undefined) return new ResolveAddressStream(host, { found: [literal] })
  const ascii = asciiName(name)
  if (ascii === undefined) throw new Failure('invalid-argument')
  const { board } = host
  const bytes = Buffer.from(ascii)
  board.data.set(bytes)
  return new ResolveAddressStream(host, { question: board.own(board.ask('resolve', bytes.length)) })
}

/** Addresses in other clothes (`0x7f.1`, `127.1`, with a zone) are no names, and would be read as addresses by the C library. */
function asciiName(name: string): string | undefined {
  if (name.length > LONGEST_NAME || /[\0-\x20%/\\:@?#[\]]/.test(name)) return undefined
  const ascii = domainToASCII(name)
  const labels = ascii.replace(/\.$/, '').split('.')
  const isName = ascii.length <= LONGEST_NAME && labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,62})$/i.test(label))
  return isName && !/^(?:\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? '') ? ascii : undefined
}

interface Source {
  readonly found?: readonly IpAddress[]
  readonly question?: Owned
}

export class ResolveAddressStream {
  readonly #host: SocketHost
  readonly #question: Owned | undefined
  #left: IpAddress[] | undefined

  constructor(host: SocketHost, { found, question }: Source) {
    this.#host = host
    this.#question = question
    this.#left = found === undefined ? undefined : [...found]
  }
  resolveNextAddress(): IpAddress | undefined {
    this.#left ??= this.#answer()
    return this.#left.shift()
  }
  subscribe(): Pollable {
    const { clocks, board } = this.#host
    const question = this.#question
    if (question === undefined) return new Pollable(clocks, { ready: () => true })
    return new Pollable(
      clocks,
      board.until(() => board.isReady(question, READY.readable)),
    )
  }
  [Symbol.dispose](): void {
    this.#question?.release()
  }
  #answer(): IpAddress[] {
    const { board } = this.#host
    if (this.#question === undefined) return []
    const size = board.ask('resolved', this.#question.number)
    const lines = Buffer.from(board.data.subarray(0, size)).toString().split('\n')
    return [...new Set(lines)].flatMap((line) => ipAddress(line) ?? [])
  }
}
