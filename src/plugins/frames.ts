/**
 * The line between Coracle and a plugin's process: one JSON document a line, on a socket that the process has as descriptor 3.
 * Node's own channel (`process.send`) would take in whatever the other side sends, however long.
 */
import type { Socket } from 'node:net'
import type { Values } from './plugin.ts'

/** Most of it is the plugin's own file, which is at most 16 MiB. */
export const MAX_FRAME_BYTES = 32 << 20
/** What a plugin may send at once: its declaration, or the parameters of a call. */
export const MAX_REQUEST_BYTES = 1 << 20

/** The first frame. */
export interface Start {
  readonly mode: 'declare' | 'run'
  readonly language: 'ts' | 'js' | 'wasm'
  /** Base64. */
  readonly source: string
  readonly name: string
  readonly args: Values
  readonly flags: Values
  /** What was typed behind the name; for WebAssembly, which reads it by itself. */
  readonly words: readonly string[]
  /** Paths that it may read, as they were granted; for WebAssembly, which has them in memory. */
  readonly files: readonly string[]
  /** Parts of Node that it may import. */
  readonly builtins: readonly string[]
}

export interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly code: string; readonly message: string }
}

/** Part of what a container prints. Its call, which lasts until the container ends, is answered behind the last one. */
export interface Output {
  readonly id: number
  readonly stream: 'stdout' | 'stderr'
  /** Base64. */
  readonly data: string
}

/** A plugin is sent so much of one container's output before it says that it has taken in what came before. */
export const WINDOW_BYTES = 256 << 10

/** Resolves when the kernel has it, or the other side is gone: whoever waits for that holds no more than one frame. */
export function writeFrame(socket: Socket, frame: unknown): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (socket.destroyed) resolve()
  else socket.write(`${JSON.stringify(frame)}\n`, () => resolve())
  return promise
}

/**
 * Calls `take` with each document. A line that is too long, or no JSON, ends it all with `fail`.
 *
 * @param limits - `maxBytes` of one line
 */
export function readFrames(
  socket: Socket,
  { maxBytes, take, fail }: { maxBytes: number; take: (frame: unknown) => void; fail: (reason: string) => void },
): void {
  let parts: Buffer[] = []
  let sizeBytes = 0
  socket.on('data', (chunk: Buffer) => {
    for (let rest = chunk; rest.length > 0; ) {
      const end = rest.indexOf(0x0a)
      const part = end === -1 ? rest : rest.subarray(0, end)
      sizeBytes += part.length
      if (sizeBytes > maxBytes) {
        socket.destroy()
        return fail(`it sent more than ${maxBytes} bytes at once`)
      }
      parts.push(part)
      if (end === -1) return
      const line = Buffer.concat(parts).toString('utf8')
      parts = []
      sizeBytes = 0
      rest = rest.subarray(end + 1)
      const frame = parseFrame(line)
      if (frame === undefined) {
        socket.destroy()
        return fail('it sent what is no JSON')
      }
      take(frame.value)
    }
  })
}

function parseFrame(line: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(line) as unknown }
  } catch {
    return undefined // the caller says so
  }
}
