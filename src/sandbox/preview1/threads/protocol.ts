/**
 * How the threads of one module share its descriptors: all are held by one thread that runs no code of the module, the owner, and
 * the others ask it. Each has a line of its own, in shared memory, for one call at a time.
 */

/** Of a line's integers. */
export const CELL = { state: 0, result: 1 } as const
export const STATE = { idle: 0, asked: 1 } as const
/** In place of an errno: it would have to wait, and the owner waits for nobody. */
export const NOT_YET = -1
/** Of a line's numbers: which function, which of its arguments are 64 bits wide, when it was called first, the arguments. */
export const NUMBER = { call: 0, wide: 1, sinceNs: 2, first: 3 } as const
/** path_open has nine. */
const MOST_ARGUMENTS = 9

export interface ThreadLine {
  readonly cells: Int32Array<SharedArrayBuffer>
  readonly numbers: BigInt64Array<SharedArrayBuffer>
}

export function makeThreadLine(): ThreadLine {
  return {
    cells: new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)),
    numbers: new BigInt64Array(
      new SharedArrayBuffer((NUMBER.first + MOST_ARGUMENTS) * BigInt64Array.BYTES_PER_ELEMENT),
    ),
  }
}

/** Called like the functions of preview 1, by this name. */
export const SPAWN = 'thread-spawn'

export interface ThreadSettings {
  readonly line: ThreadLine
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  /** By which the module imports it. */
  readonly memoryName: readonly [module: string, name: string]
  /** In the order of their numbers. */
  readonly calls: readonly string[]
  readonly args: readonly string[]
  readonly env: readonly string[]
  /** Absent in the first thread, which runs the program's entry. */
  readonly spawned?: { readonly id: number; readonly argument: number }
  readonly entry: string
}

/** What a thread tells the owner; `null` is a question in its line. */
export type ThreadMessage =
  | null
  /** All of the module is over. */
  | { readonly status: number }
  | { readonly trap: string }
  /** The text of an error whose fault is the module's. */
  | { readonly invalid: string }
  /** This thread is over. */
  | { readonly finished: true }
