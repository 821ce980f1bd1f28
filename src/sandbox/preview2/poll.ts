/** `wasi:io/poll`: things to wait for. A component that does network I/O is suspended meanwhile, others wait in the call. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CLOCK } from '../preview1/abi.ts'
import type { Clocks } from '../preview1/clocks.ts'
import type { Changes } from '../preview1/files.ts'

/** What a call gives that may have to wait: a promise only where calls can be suspended. */
export type Later<Value> = Value | Promise<Value>

export interface Awaited {
  ready(): boolean
  /** Returns, or resolves, when it may be ready. */
  readonly wait?: (() => Later<void>) | undefined
  /** Of a clock: when, in nanoseconds of the monotonic one. */
  readonly dueNs?: bigint
  /** Of what can be waited for together with others of its kind, and with clocks. */
  readonly changes?: Changes | undefined
}

export class Pollable {
  readonly #clocks: Clocks
  readonly awaited: Awaited
  constructor(clocks: Clocks, awaited: Awaited) {
    this.#clocks = clocks
    this.awaited = awaited
  }
  ready(): boolean {
    return this.awaited.ready()
  }
  block(): Later<void> {
    const ready = poll(this.#clocks, [this])
    return ready instanceof Promise ? ready.then(() => {}) : undefined
  }
}

const SHORTEST_PAUSE_NS = 1_000_000n
const LONGEST_PAUSE_NS = 10_000_000n

/** The clocks of a component that can be suspended. */
export interface PatientClocks extends Clocks {
  readonly suspends: true
}

export const suspends = (clocks: Clocks): clocks is PatientClocks => 'suspends' in clocks

/** @returns which of them are ready, one at least */
export function poll(clocks: Clocks, pollables: readonly Pollable[]): Later<Uint32Array> {
  if (pollables.length === 0) throw new WebAssembly.RuntimeError('poll of nothing would wait for ever')
  const all = pollables.map(({ awaited }) => awaited)
  const look = () => Uint32Array.from(all.flatMap((one, index) => (one.ready() ? [index] : [])))
  const found = look()
  if (found.length > 0) return found
  return suspends(clocks) ? pollSuspended(clocks, all, look) : pollBlocking(clocks, all, look)
}

function pollBlocking(clocks: Clocks, all: readonly Awaited[], look: () => Uint32Array): Uint32Array {
  const changes = all.find((one) => one.changes !== undefined)?.changes
  if (changes !== undefined) return pollChanges(clocks, all, { changes, look })
  const [only] = all
  const block = all.length === 1 ? only?.wait : undefined
  for (let pause = SHORTEST_PAUSE_NS; ; pause = longer(pause)) {
    if (block === undefined) clocks.sleep(nextLook(clocks, all, pause))
    else block()
    const found = look()
    if (found.length > 0) return found
  }
}

interface Looking {
  readonly changes: Changes
  readonly look: () => Uint32Array
}

function pollChanges(clocks: Clocks, all: readonly Awaited[], { changes, look }: Looking): Uint32Array {
  const allTell = all.every((one) => one.changes !== undefined || one.dueNs !== undefined)
  for (let pause = SHORTEST_PAUSE_NS; ; pause = longer(pause)) {
    const seen = changes.changes() // before the look, so that nothing happens in between unseen
    const found = look()
    if (found.length > 0) return found
    waitForAny(clocks, { changes, seen, waitNs: nextLook(clocks, all, allTell ? undefined : pause) })
  }
}

interface Wait {
  readonly changes: Changes
  readonly seen: number
  readonly waitNs: bigint
}

/** Clocks that do not go on by themselves are put forward when nothing has come in a moment. */
function waitForAny(clocks: Clocks, { changes, seen, waitNs }: Wait): void {
  const fixed = clocks.virtual && waitNs < NEVER_NS
  changes.waitForChange(seen, fixed ? Number(LONGEST_PAUSE_NS) / 1e6 : Math.min(Number(waitNs) / 1e6, MAX_TIMER_MS))
  if (fixed && changes.changes() === seen) clocks.sleep(waitNs)
}

async function pollSuspended(
  clocks: PatientClocks,
  all: readonly Awaited[],
  look: () => Uint32Array,
): Promise<Uint32Array> {
  for (let pause = SHORTEST_PAUSE_NS; ; pause = longer(pause)) {
    const controller = new AbortController()
    const promises = all.map((one) => one.wait?.()).filter((wait) => wait instanceof Promise)
    const waitNs = nextLook(clocks, all, promises.length === all.length ? undefined : pause)
    const waitMs = Math.min(Number(waitNs) / 1e6, clocks.virtual ? Number(pause) / 1e6 : MAX_TIMER_MS)
    const timer = sleep(waitMs, undefined, controller)
    try {
      await Promise.race([...promises, timer])
    } finally {
      timer.catch(() => {}) // it is called off
      controller.abort()
    }
    if (clocks.virtual) clocks.sleep(waitNs < NEVER_NS ? waitNs : 0n)
    const found = look()
    if (found.length > 0) return found
  }
}

/** Node's timers take no more. */
const MAX_TIMER_MS = 0x7fff_ffff
const NEVER_NS = 1n << 62n

const longer = (pause: bigint): bigint => (pause < LONGEST_PAUSE_NS ? pause * 2n : pause)

/** Nanoseconds until one is due, or until what cannot be waited for is to be looked at again. */
function nextLook(clocks: Clocks, all: readonly Awaited[], pause: bigint | undefined): bigint {
  const now = clocks.now(CLOCK.monotonic)
  const timers = all.flatMap(({ dueNs }) => (dueNs === undefined ? [] : [dueNs > now ? dueNs - now : 0n]))
  const looks = timers.length === all.length || pause === undefined ? timers : [...timers, pause]
  return looks.reduce((first, each) => (each < first ? each : first), NEVER_NS)
}
