/** What a thread's instance imports: what needs no descriptor is done here, all else by the owner. */
import { hostClocks } from '../clocks.ts'
import type { Context, WasiFunction } from '../context.ts'
import { openDescriptors } from '../descriptors.ts'
import { ERRNO, errnoOf } from '../errno.ts'
import { openMemory } from '../memory.ts'
import { areClocks, pollFunction } from '../poll.ts'
import { processFunctions } from '../process-functions.ts'
import { systemRandom } from '../random.ts'
import { CELL, NOT_YET, NUMBER, SPAWN, STATE, type ThreadSettings } from './protocol.ts'

/** @param ring - tells the owner that there is a question */
export function threadImports(settings: ThreadSettings, ring: () => void): WebAssembly.Imports {
  const { memory, memoryName, calls, args, env } = settings
  const context: Context = {
    memory: openMemory(() => memory.buffer),
    descriptors: openDescriptors(), // none: whoever needs one asks
    clocks: hostClocks(),
    random: systemRandom,
    args,
    env,
  }
  const asked = Object.fromEntries(
    calls.map((name, call) => [name, (...values: (number | bigint)[]) => ask(settings, ring, { call, values })]),
  )
  const own = Object.fromEntries(
    Object.entries(processFunctions(context)).map(([name, call]) => [name, answering(call)]),
  )
  const sleep = answering(pollFunction(context)['poll_oneoff'] ?? (() => {})) as Poll
  const poll: Poll = (at, eventsAt, count, resultAt) =>
    areClocks(context.memory, at, count)
      ? sleep(at, eventsAt, count, resultAt)
      : (asked['poll_oneoff']?.(at, eventsAt, count, resultAt) ?? ERRNO.ENOSYS)
  const [from, name] = memoryName
  const imports: WebAssembly.Imports = {
    wasi_snapshot_preview1: { ...asked, ...own, poll_oneoff: poll },
    wasi: { [SPAWN]: (argument: number) => asked[SPAWN]?.(argument) },
  }
  imports[from] = { ...imports[from], [name]: memory }
  return imports
}

type Poll = (at: number, eventsAt: number, count: number, resultAt: number) => number

function answering(call: WasiFunction): (...args: never[]) => number {
  return (...args) => {
    try {
      call(...args)
      return 0
    } catch (error) {
      return errnoOf(error)
    }
  }
}

const SHORTEST_PAUSE_MS = 0.05
const LONGEST_PAUSE_MS = 5
const never = new Int32Array(new SharedArrayBuffer(4))

interface Question {
  readonly call: number
  readonly values: readonly (number | bigint)[]
}

function ask({ line: { cells, numbers } }: ThreadSettings, ring: () => void, { call, values }: Question): number {
  numbers[NUMBER.call] = BigInt(call)
  numbers[NUMBER.wide] = BigInt(
    values.reduce<number>((bits, value, at) => bits | (typeof value === 'bigint' ? 1 << at : 0), 0),
  )
  numbers[NUMBER.sinceNs] = process.hrtime.bigint()
  for (const [index, value] of values.entries()) numbers[NUMBER.first + index] = BigInt(value)
  for (let pause = SHORTEST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    Atomics.store(cells, CELL.state, STATE.asked)
    ring()
    Atomics.wait(cells, CELL.state, STATE.asked)
    const result = Atomics.load(cells, CELL.result)
    if (result !== NOT_YET) return result
    Atomics.wait(never, 0, 0, pause)
  }
}
