/** Arguments, environment, clocks, random bytes, and the end. */
import { type Context, ModuleExit, type WasiFunctions } from './context.ts'
import { Refusal } from './errno.ts'
import type { GuestMemory } from './memory.ts'

export function processFunctions({ memory, clocks, random, args, env }: Context): WasiFunctions {
  return {
    args_get: (pointersAt: number, bytesAt: number) => writeStrings(memory, args, [pointersAt, bytesAt]),
    args_sizes_get: (countAt: number, sizeAt: number) => writeSizes(memory, args, [countAt, sizeAt]),
    environ_get: (pointersAt: number, bytesAt: number) => writeStrings(memory, env, [pointersAt, bytesAt]),
    environ_sizes_get: (countAt: number, sizeAt: number) => writeSizes(memory, env, [countAt, sizeAt]),
    clock_res_get: (clock: number, at: number) => memory.writeU64(at, clocks.resolution(clock)),
    clock_time_get: (clock: number, _precision: bigint, at: number) => memory.writeU64(at, clocks.now(clock)),
    random_get: (at: number, size: number) => random(memory.bytes(at, size)),
    sched_yield: () => {}, // one thread: whoever could run meanwhile is another process, and the kernel sees to that
    proc_exit: (status: number) => {
      throw new ModuleExit(status >>> 0)
    },
    proc_raise: raise,
  }
}

function writeSizes(memory: GuestMemory, strings: readonly string[], [countAt, sizeAt]: [number, number]): void {
  memory.writeU32(countAt, strings.length)
  memory.writeU32(
    sizeAt,
    strings.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0),
  )
}

function writeStrings(memory: GuestMemory, strings: readonly string[], [pointersAt, bytesAt]: [number, number]): void {
  let at = bytesAt >>> 0
  for (const [index, text] of strings.entries()) {
    const bytes = Buffer.from(`${text}\0`)
    memory.writeU32((pointersAt >>> 0) + index * 4, at)
    memory.bytes(at, bytes.length).set(bytes)
    at += bytes.length
  }
}

/** By their numbers in preview 1. */
const SIGNALS =
  `NONE HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT STOP TSTP TTIN TTOU
  URG XCPU XFSZ VTALRM PROF WINCH POLL PWR SYS`.split(/\s+/)
const WITHOUT_EFFECT = new Set(['NONE', 'CHLD', 'CONT', 'URG', 'WINCH'])
const STOPPING = new Set(['STOP', 'TSTP', 'TTIN', 'TTOU'])

/** What a signal does where nobody can handle one: it ends the module with the status a shell would show, or nothing. */
function raise(signal: number): void {
  const name = SIGNALS[signal]
  if (name === undefined) throw new Refusal('EINVAL')
  if (STOPPING.has(name)) throw new Refusal('ENOTSUP')
  if (WITHOUT_EFFECT.has(name)) return
  const { constants } = process.getBuiltinModule('node:os')
  throw new ModuleExit(128 + constants.signals[`SIG${name}` as NodeJS.Signals])
}
