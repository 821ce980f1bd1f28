/** What the functions of one running module share. */
import type { Clocks } from './clocks.ts'
import type { Descriptors } from './descriptors.ts'
import type { GuestMemory } from './memory.ts'
import type { Random } from './random.ts'

export interface Context {
  readonly memory: GuestMemory
  readonly descriptors: Descriptors
  readonly clocks: Clocks
  readonly random: Random
  readonly args: readonly string[]
  /** `NAME=value`. */
  readonly env: readonly string[]
  /** Where calls must not wait but throw `WouldWait`: since when, on the monotonic clock, the present one is being made. */
  readonly sinceNs?: () => bigint
}

/** Of wasm: 32-bit numbers come as signed ones, 64-bit ones as signed bigints. What it returns is nothing: a failure is thrown. */
export type WasiFunction = (...args: never[]) => void

export type WasiFunctions = Readonly<Record<string, WasiFunction>>

/** Unwinds the module: `proc_exit` was called. */
export class ModuleExit extends Error {
  readonly status: number
  constructor(status: number) {
    super('the module ended')
    this.name = 'ModuleExit'
    this.status = status
  }
}

export const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value)
