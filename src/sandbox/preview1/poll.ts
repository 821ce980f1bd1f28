/** `poll_oneoff`: waits until one of several clocks and descriptors has something to tell. */
import { CLOCK, EVENT, FILE_TYPE, RIGHT } from './abi.ts'
import type { Context, WasiFunctions } from './context.ts'
import type { FileDescriptor } from './descriptors.ts'
import { ERRNO, errnoOf, Refusal } from './errno.ts'
import type { OpenFile } from './files.ts'
import type { GuestMemory } from './memory.ts'
import { WouldWait } from './patience.ts'
import { openRest } from './rest.ts'

const SUBSCRIPTION_BYTES = 48
const EVENT_BYTES = 32
const ABSOLUTE = 1
const HANG_UP = 1

export function pollFunction(context: Context): WasiFunctions {
  const { memory } = context
  return {
    poll_oneoff: (subscriptionsAt: number, eventsAt: number, count: number, resultAt: number) => {
      if (count === 0) throw new Refusal('EINVAL')
      memory.bytes(eventsAt, (count >>> 0) * EVENT_BYTES)
      memory.need(resultAt, 4)
      const events = wait(context, readSubscriptions(context, subscriptionsAt, count >>> 0))
      for (const [index, event] of events.entries()) writeEvent(memory, (eventsAt >>> 0) + index * EVENT_BYTES, event)
      memory.writeU32(resultAt, events.length)
    },
  }
}

/** Whether there is nothing else to wait for. */
export function areClocks(memory: GuestMemory, from: number, count: number): boolean {
  const types = Array.from({ length: Math.min(count >>> 0, MOST_CLOCKS) }, (_, index) =>
    memory.readU8(from + index * SUBSCRIPTION_BYTES + 8),
  )
  return count >>> 0 <= MOST_CLOCKS && types.every((type) => type === EVENT.clock)
}

/** Of an ordinary program that sleeps there is one. */
const MOST_CLOCKS = 16

export interface Event {
  readonly userdata: bigint
  readonly type: number
  readonly errno: number
  readonly bytes: bigint
  readonly flags: number
}

export interface Subscription {
  /** What there is to tell now, if anything. */
  check(elapsedNs: bigint): Event | undefined
  /** Of a clock: when, counted from the beginning of the wait. */
  readonly dueNs?: bigint
  readonly open?: OpenFile
  /** Of what can be waited for by itself, without a time limit. */
  readonly block?: (() => void) | undefined
}

function readSubscriptions(context: Context, from: number, count: number): Subscription[] {
  context.memory.bytes(from, count * SUBSCRIPTION_BYTES)
  return Array.from({ length: count }, (_, index) => readOne(context, (from >>> 0) + index * SUBSCRIPTION_BYTES))
}

function readOne(context: Context, at: number): Subscription {
  const { memory } = context
  const [userdata, type] = [memory.readU64(at), memory.readU8(at + 8)]
  const event = (rest: Partial<Event> = {}): Event => ({ userdata, type, errno: 0, bytes: 0n, flags: 0, ...rest })
  try {
    if (type === EVENT.clock) return clockSubscription(context, at + 16, event)
    if (type === EVENT.read || type === EVENT.write)
      return fileSubscription(context, [memory.readU32(at + 16), type], event)
  } catch (error) {
    const refused = event({ errno: errnoOf(error) })
    return { check: () => refused }
  }
  throw new Refusal('EINVAL')
}

type MakeEvent = (rest?: Partial<Event>) => Event

function clockSubscription({ memory, clocks, sinceNs }: Context, at: number, event: MakeEvent): Subscription {
  const [clock, timeout, flags] = [memory.readU32(at), memory.readU64(at + 8), memory.readU16(at + 24)]
  if (clock !== CLOCK.realtime && clock !== CLOCK.monotonic)
    throw new Refusal(clock > CLOCK.thread ? 'EINVAL' : 'ENOTSUP')
  const waitedNs = () => (sinceNs === undefined ? 0n : clocks.now(CLOCK.monotonic) - sinceNs())
  const dueNs = (flags & ABSOLUTE) === 0 ? timeout : timeout - clocks.now(clock) + waitedNs()
  return { dueNs, check: (elapsed) => (elapsed >= dueNs ? event() : undefined) }
}

function fileSubscription({ descriptors }: Context, [fd, type]: [number, number], event: MakeEvent): Subscription {
  const file = descriptors.file(fd, RIGHT.poll)
  const wanted = type === EVENT.read ? RIGHT.fdRead : RIGHT.fdWrite
  if ((file.rights & wanted) === 0) throw new Refusal('ENOTCAPABLE')
  // Of all but sockets a writer waits, if at all, when it writes.
  const isWritable = () => file.open.writable?.() ?? true
  const { open } = file
  if (type === EVENT.write) return { open, check: () => (isWritable() ? event() : undefined) }
  return { open, check: () => readable(file, event), block: open.waitReadable }
}

function readable({ open, type, position }: FileDescriptor, event: MakeEvent): Event | undefined {
  if (open.readable === undefined) {
    const left = type === FILE_TYPE.regularFile ? open.status().size - BigInt(position) : 0n
    return event({ bytes: left > 0n ? left : 0n })
  }
  const bytes = open.readable()
  return bytes === undefined ? undefined : event({ bytes: BigInt(bytes), flags: bytes === 0 ? HANG_UP : 0 })
}

function wait(context: Context, subscriptions: readonly Subscription[]): Event[] {
  const start = context.sinceNs?.() ?? context.clocks.now(CLOCK.monotonic)
  const rest = openRest(context, subscriptions)
  for (;;) {
    const elapsed = context.clocks.now(CLOCK.monotonic) - start
    rest.begin()
    const events = subscriptions.flatMap((one) => one.check(elapsed) ?? [])
    if (events.length > 0) return events
    if (context.sinceNs !== undefined) throw new WouldWait()
    rest.take(elapsed)
  }
}

function writeEvent(memory: GuestMemory, at: number, { userdata, errno, type, bytes, flags }: Event): void {
  memory.bytes(at, EVENT_BYTES).fill(0)
  memory.writeU64(at, userdata)
  memory.writeU16(at + 8, errno)
  memory.writeU8(at + 10, type)
  if (errno !== ERRNO.SUCCESS || type === EVENT.clock) return
  memory.writeU64(at + 16, bytes)
  memory.writeU16(at + 24, flags)
}
