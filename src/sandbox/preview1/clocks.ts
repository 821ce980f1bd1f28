/** The clocks a module reads and waits by: the host's, or ones that show the same times in every run. */
import { CLOCK } from './abi.ts'
import { Refusal } from './errno.ts'

export interface Clocks {
  /** Nanoseconds. @throws {Refusal} EINVAL for a clock that preview 1 does not have */
  now(clock: number): bigint
  /** Nanoseconds between two values it can show. */
  resolution(clock: number): bigint
  /** Returns when `ns` have passed on it. */
  sleep(ns: bigint): void
  /** They go on by being asked and slept on, not by themselves. */
  readonly virtual: boolean
}

const MS = 1_000_000n
/** Of the system's wall clock to the finer one: further apart than that, somebody has set it. */
const MAX_DRIFT_NS = 2n * MS

export function hostClocks(): Clocks {
  let offset = BigInt(Date.now()) * MS - process.hrtime.bigint()
  const realtime = () => {
    const coarse = BigInt(Date.now()) * MS
    const fine = process.hrtime.bigint() + offset
    const drift = fine - coarse
    if (drift < MAX_DRIFT_NS && drift > -MAX_DRIFT_NS) return fine
    offset += coarse - fine
    return coarse
  }
  return {
    now: (clock) => {
      if (clock === CLOCK.realtime) return realtime()
      if (clock === CLOCK.monotonic) return process.hrtime.bigint()
      if (clock === CLOCK.process) return usageNs(process.cpuUsage())
      if (clock === CLOCK.thread) return usageNs(process.threadCpuUsage())
      throw new Refusal('EINVAL')
    },
    resolution: (clock) => {
      if (clock === CLOCK.realtime || clock === CLOCK.monotonic) return 1n
      if (clock === CLOCK.process || clock === CLOCK.thread) return 1000n
      throw new Refusal('EINVAL')
    },
    sleep: pauseNs,
    virtual: false,
  }
}

function usageNs({ user, system }: { user: number; system: number }): bigint {
  return BigInt(Math.round(user + system)) * 1000n
}

const never = new Int32Array(new SharedArrayBuffer(4))
const LONGEST_WAIT_NS = 1n << 52n

/** Really waits, whatever clocks the module sees. */
export function pauseNs(ns: bigint): void {
  const end = process.hrtime.bigint() + ns
  for (let left = ns; left > 0n; left = end - process.hrtime.bigint()) {
    const part = left < LONGEST_WAIT_NS ? left : LONGEST_WAIT_NS
    Atomics.wait(never, 0, 0, Number(part) / 1e6)
  }
}

/** Each reading is a microsecond later than the one before, and sleeping takes no time but the clock's. */
export function fixedClocks(startNs: bigint): Clocks {
  let elapsed = 0n
  const known = (clock: number) => {
    if (clock < CLOCK.realtime || clock > CLOCK.thread) throw new Refusal('EINVAL')
  }
  return {
    now: (clock) => {
      known(clock)
      elapsed += 1000n
      return clock === CLOCK.realtime ? startNs + elapsed : elapsed
    },
    resolution: (clock) => {
      known(clock)
      return 1000n
    },
    sleep: (ns) => {
      elapsed += ns > 0n ? ns : 0n
    },
    virtual: true,
  }
}
