/** The steps of a build as they are told to whoever watches. */
import { CoracleError } from '../errors.ts'
import type { BuildEvent, Outcome } from './types.ts'

export interface Vertex {
  output(text: Buffer, stream: 'stdout' | 'stderr'): void
  status(text: string): void
  /** What it prints last, at most 4 KiB. */
  tail(): string
}

export interface Progress {
  /** Runs `work` as a step that is told of; `cached` is asked of the result. */
  run<Result>(
    name: string,
    work: (vertex: Vertex) => Promise<Result>,
    cached?: (result: Result) => boolean,
  ): Promise<Result>
  warn(text: string): void
}

const TAIL_BYTES = 4096

export function openProgress(onEvent: (event: BuildEvent) => void): Progress {
  let count = 0
  return {
    run: async (name, work, cached = () => false) => {
      count += 1
      const vertex = count
      let tail = Buffer.alloc(0)
      onEvent({ type: 'begin', vertex, name, atMs: Date.now() })
      const end = (outcome: Outcome, error?: string) =>
        onEvent({ type: 'end', vertex, outcome, ...(error !== undefined && { error }), atMs: Date.now() })
      try {
        const result = await work({
          output: (text, stream) => {
            tail = Buffer.concat([tail, text]).subarray(-TAIL_BYTES)
            onEvent({ type: 'output', vertex, text, stream, atMs: Date.now() })
          },
          status: (text) => onEvent({ type: 'status', vertex, text, atMs: Date.now() }),
          tail: () => tail.toString(),
        })
        end(cached(result) ? 'cached' : 'done')
        return result
      } catch (error) {
        const isCancelled = error instanceof CoracleError && error.code === 'CANCELLED'
        end(isCancelled ? 'cancelled' : 'failed', error instanceof Error ? error.message : String(error))
        throw error
      }
    },
    warn: (text) => onEvent({ type: 'warning', text, atMs: Date.now() }),
  }
}
