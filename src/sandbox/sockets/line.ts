/** The sockets of a module, asked for by the thread that runs it: each call waits for its answer. */
import { once } from 'node:events'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { packageRoot } from '../../package-root.ts'
import { ModuleUnsupported } from '../errors.ts'
import { CELL, failureOf, makeLine, type Opened, QUESTION, type SocketFailure, STATE } from './protocol.ts'

export interface Line {
  /** Or its questions are asked without waiting. */
  readonly waits: boolean
  /** The first number of the answer, and the second. @throws whatever `fail` makes of a failure */
  ask(
    question: keyof typeof QUESTION,
    ...numbers: readonly number[]
  ): { readonly answer: number; readonly more: number }
  /** What goes with a question, or came with its answer. It holds until the next one. */
  readonly data: Uint8Array
  /** The same of addresses. */
  readonly note: Uint8Array
  /** How often anything has changed: a socket that is not ready after this was read is worth a look when it is another number. */
  changes(): number
  /** Stands still until it is not `seen` any more, `ms` at most. */
  waitForChange(seen: number, ms: number): void
  /** Resolves when it is not `seen` any more. */
  changed(seen: number): Promise<void>
  /** When all has left: nothing can be asked any more. */
  close(): Promise<void>
}

export interface LineOptions {
  /** Numbers of sockets are those of their ports here. */
  readonly ports: readonly number[]
  readonly fail: (failure: SocketFailure) => Error
  readonly waits: boolean
}

/** @throws {ModuleUnsupported} a port cannot be listened on */
export async function openLine(options: LineOptions): Promise<Line> {
  const { line, worker } = startLine(options)
  const [opened] = (await once(worker, 'message')) as [Opened]
  if ('failed' in opened) {
    await worker.terminate()
    throw new ModuleUnsupported(`the module cannot listen on port ${opened.port}: ${opened.failed}`)
  }
  worker.unref()
  return line
}

/** Without a port nothing has to be waited for: what is asked is answered when the thread is there. */
export function openIdleLine(options: Omit<LineOptions, 'ports'>): Line {
  return startLine({ ...options, ports: [] }).line
}

function startLine({ ports, fail, waits }: LineOptions): { readonly line: Line; readonly worker: Worker } {
  const shared = makeLine()
  const { cells, data, note } = shared
  const threads = process.getBuiltinModule('node:worker_threads') // takes a while to load, and most modules need none
  const worker = new threads.Worker(entryPath(), { workerData: { line: shared, ports }, execArgv: [], env: {} })
  const ask: Line['ask'] = (question, ...numbers) => {
    Atomics.store(cells, CELL.question, QUESTION[question])
    for (const [index, number] of numbers.entries()) Atomics.store(cells, CELL.first + index, number)
    Atomics.store(cells, CELL.state, STATE.asked)
    worker.postMessage(null)
    Atomics.wait(cells, CELL.state, STATE.asked)
    const answer = Atomics.load(cells, CELL.answer)
    if (answer < 0) throw fail(failureOf(answer))
    return { answer, more: Atomics.load(cells, CELL.more) }
  }
  const line: Line = {
    waits,
    ask,
    data,
    note,
    changes: () => Atomics.load(cells, CELL.changes),
    waitForChange: (seen, ms) => void Atomics.wait(cells, CELL.changes, seen, ms),
    changed: openChanged(cells),
    close: async () => {
      ask('finish')
      await worker.terminate()
    },
  }
  return { line, worker }
}

/** One waiter for all who have seen the same: those who lose interest leave nothing behind. */
function openChanged(cells: Int32Array<SharedArrayBuffer>): Line['changed'] {
  let known: { readonly seen: number; readonly next: Promise<void> } | undefined
  return (seen) => {
    if (known?.seen !== seen) {
      const { value } = Atomics.waitAsync(cells, CELL.changes, seen)
      known = { seen, next: Promise.resolve(value).then(() => {}) }
    }
    return known.next
  }
}

/** Sources when sources run; a bundle moves this file, but never what is started by its path. */
function entryPath(): string {
  return import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, 'switchboard.entry.ts')
    : join(packageRoot, 'dist', 'sandbox', 'sockets', 'switchboard.entry.js')
}
