/** The thread that has a module's descriptors: it answers those that run the module, starts more of them, and ends them all. */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { packageRoot } from '../../../package-root.ts'
import type { Ending } from '../../engine.ts'
import { ModuleUnsupported } from '../../errors.ts'
import { ERRNO } from '../errno.ts'
import {
  CELL,
  makeThreadLine,
  NOT_YET,
  NUMBER,
  SPAWN,
  STATE,
  type ThreadLine,
  type ThreadMessage,
  type ThreadSettings,
} from './protocol.ts'

/** Besides the first. Each is a thread of the process with some megabytes of its own. */
export const MOST_THREADS = 64
/** The specification of wasi-threads has them below 2^29. */
const MOST_IDS = 0x1fff_ffff

export interface OwnerOptions extends Omit<ThreadSettings, 'line' | 'calls' | 'spawned'> {
  readonly functions: Readonly<Record<string, (...args: never[]) => number>>
  /** Does a call for a thread that made it first at this moment. @returns an errno, or `NOT_YET` */
  readonly perform: (call: () => number, sinceNs: bigint) => number
}

/** Runs the program until its first thread returns, or any of them ends it. No thread is left when this returns. */
export async function runThreads(options: OwnerOptions): Promise<Ending> {
  const { functions, perform, ...shared } = options
  const calls = [...Object.keys(functions), SPAWN]
  const threads = new Set<Worker>()
  const { promise, resolve, reject } = Promise.withResolvers<Ending>()
  let lastId = 0
  const start = (spawned?: ThreadSettings['spawned']) => {
    const line = makeThreadLine()
    const settings: ThreadSettings = { ...shared, calls, line, ...(spawned !== undefined && { spawned }) }
    const worker = new Worker(entryPath(), { workerData: settings, env: {}, execArgv: [] })
    threads.add(worker)
    worker.on('message', (message: ThreadMessage) => {
      if (message === null) answer(line)
      else if ('status' in message || 'trap' in message) resolve(message)
      else if ('invalid' in message) reject(new ModuleUnsupported(message.invalid))
      else threads.delete(worker)
    })
    worker.on('error', (error) => reject(error))
  }
  const spawn = (argument: number) => {
    if (threads.size > MOST_THREADS) return -ERRNO.EAGAIN
    const id = (lastId % MOST_IDS) + 1
    try {
      start({ id, argument })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_INIT_FAILED') return -ERRNO.EAGAIN
      throw error
    }
    lastId = id
    return id
  }
  const answer = ({ cells, numbers }: ThreadLine) => {
    let result: number = NOT_YET
    try {
      const { name, args, sinceNs } = readQuestion(numbers, calls)
      const call = () =>
        name === SPAWN ? spawn(Number(args[0])) : (functions[name]?.(...(args as never[])) ?? ERRNO.ENOSYS)
      result = perform(call, sinceNs)
    } catch (error) {
      reject(error as Error)
    }
    Atomics.store(cells, CELL.result, result)
    Atomics.store(cells, CELL.state, STATE.idle)
    Atomics.notify(cells, CELL.state)
  }
  start()
  try {
    return await promise
  } finally {
    await Promise.all([...threads].map((worker) => worker.terminate()))
  }
}

interface Question {
  readonly name: string
  readonly args: readonly (number | bigint)[]
  readonly sinceNs: bigint
}

function readQuestion(numbers: BigInt64Array, calls: readonly string[]): Question {
  const at = (index: number) => numbers[index] ?? 0n
  const wide = Number(at(NUMBER.wide))
  const args = Array.from(numbers.subarray(NUMBER.first), (value, index) =>
    (wide >> index) & 1 ? value : Number(value),
  )
  return { name: calls[Number(at(NUMBER.call))] ?? '', args, sinceNs: at(NUMBER.sinceNs) }
}

/** Sources when sources run; a bundle moves this file, but never what is started by its path. */
function entryPath(): string {
  return import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, 'thread.entry.ts')
    : join(packageRoot, 'dist', 'sandbox', 'preview1', 'threads', 'thread.entry.js')
}
