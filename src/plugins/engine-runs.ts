/** Containers that a plugin runs: their output goes over the line as fast as it is read, and they end with the plugin. */
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { PluginMisbehaved } from './errors.ts'
import { type Output, WINDOW_BYTES, writeFrame } from './frames.ts'
import { type RunParameters, readRunParameters } from './run-parameters.ts'

/** Where a container's output goes. Aborted: it must end, and leave nothing. */
export interface Outlet {
  readonly stdout: Writable
  readonly stderr: Writable
  readonly signal: AbortSignal
}

/** @returns the exit status */
export type StartRun = (parameters: RunParameters, outlet: Outlet) => Promise<number>

interface Running {
  readonly window: Window
  readonly ended: Promise<void>
}

const MAX_RUNS = 8

export class EngineRuns {
  readonly #line: Socket
  readonly #start: StartRun
  readonly #running = new Map<number, Running>()
  readonly #end = new AbortController()

  constructor(line: Socket, start: StartRun) {
    this.#line = line
    this.#start = start
  }

  /**
   * Goes on after this has returned; `answer` is called when it is over.
   *
   * @throws {PluginMisbehaved} too many at once, or parameters that make no sense
   */
  begin(id: number, parameter: unknown, answer: (result: Promise<unknown>) => Promise<void>): void {
    const parameters = readRunParameters(parameter)
    if (this.#running.has(id)) throw new PluginMisbehaved('two calls have the same number')
    if (this.#running.size >= MAX_RUNS) throw new PluginMisbehaved(`more than ${MAX_RUNS} containers at once`)
    const window = new Window()
    const outlet = (stream: Output['stream']) => outputOf({ line: this.#line, id, stream, window })
    const result = this.#start(parameters, {
      stdout: outlet('stdout'),
      stderr: outlet('stderr'),
      signal: this.#end.signal,
    })
    const ended = answer(result.then((status) => ({ status }))).finally(() => this.#running.delete(id))
    this.#running.set(id, { window, ended })
  }

  /** The plugin has read so many bytes of that call's output. */
  taken(id: number, bytes: number): void {
    if (Number.isSafeInteger(bytes) && bytes > 0) this.#running.get(id)?.window.open(bytes)
  }

  /** Resolves when all of them are gone. */
  async end(): Promise<void> {
    this.#end.abort()
    for (const { window } of this.#running.values()) window.open(Number.MAX_SAFE_INTEGER)
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }
}

/** How much may be on its way. */
class Window {
  #unread = 0
  #waiting: (() => void)[] = []

  /** Resolves when there is room for more. */
  async take(bytes: number): Promise<void> {
    this.#unread += bytes
    if (this.#unread <= WINDOW_BYTES) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    await promise
  }

  open(bytes: number): void {
    this.#unread = Math.max(0, this.#unread - bytes)
    if (this.#unread <= WINDOW_BYTES) for (const resume of this.#waiting.splice(0)) resume()
  }
}

interface OutputOptions {
  readonly line: Socket
  readonly id: number
  readonly stream: Output['stream']
  readonly window: Window
}

/** A plugin that says it has read what it has not gains nothing: the line itself must take each frame first. */
function outputOf({ line, id, stream, window }: OutputOptions): Writable {
  const write = async (chunk: Buffer) => {
    await writeFrame(line, { id, stream, data: chunk.toString('base64') } satisfies Output)
    if (!line.destroyed) await window.take(chunk.length)
  }
  return new Writable({
    decodeStrings: true,
    write: (chunk: Buffer, _, done) => void write(chunk).then(() => done(), done),
  })
}
