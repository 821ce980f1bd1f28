/** A job of the native program that reads one stream and writes another: one that waits beside us (native/beside.c), or a new process. */
import { spawn } from 'node:child_process'
import { closeSync, read, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { Cancelled } from '../errors.ts'
import { nativeProgram } from '../package-root.ts'
import { type InheritedJob, takeInheritedJob } from '../util/inherited.ts'
import { causeOfEnd } from './interrupted.ts'
import { WireWriter } from './wire-writer.ts'

/** Another build of the native program: its words, and what its environment has more. */
export interface NativeBuild {
  readonly argv: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
}

export interface NativeJob {
  /** Errors of writing to it are nobody's: what the job has answered says why. */
  readonly input: Writable
  /** Ends with the job. It fails when there is no such program, or no process can be made. */
  readonly output: Readable
  /** The process is gone; of one that waited, when `output` was destroyed: it goes with what it writes next. */
  readonly closed: Promise<void>
  /** @returns why it has failed: `error`, unless somebody has interrupted it */
  cause<Failure>(error: Failure): Failure | Cancelled
}

/** @param words - `apply` or `archive`, and directories */
export function startJob(words: readonly ['apply' | 'archive', ...string[]], native?: NativeBuild): NativeJob {
  return (native === undefined ? adoptJob(words) : undefined) ?? spawnJob(words, native)
}

function adoptJob(words: readonly string[]): NativeJob | undefined {
  const descriptors = takeInheritedJob()
  if (descriptors === undefined) return undefined
  const [input, output] = descriptors
  const taking = new Socket({ fd: input, readable: false, writable: true })
  const giving = new Socket({ fd: output, readable: true, writable: false })
  taking.on('error', () => {})
  const closed = new Promise<void>((resolve) => giving.once('close', () => resolve()))
  taking.write(encodeWords(words))
  return { input: taking, output: giving, closed, cause: (error) => error } // no signal of the terminal gets there
}

function encodeWords(words: readonly string[]): Buffer {
  const list = new WireWriter().strings(['coracle-native', ...words]).finish()
  return Buffer.concat([new WireWriter().u32(list.length).finish(), list])
}

/** What a job that waits is asked in a few kilobytes. */
export interface BriefRequest {
  readonly request: readonly Uint8Array[]
  readonly signal: AbortSignal | undefined
  /** Takes what comes, and says whether that was all. */
  readonly take: (bytes: Buffer) => boolean
}

/**
 * Asks a job that answers little, and that nobody needs to wait for then. It takes no streams: to load them takes longer than the job.
 *
 * @param ends - nobody else's from now on
 */
export async function askBriefly(
  [input, output]: InheritedJob,
  words: readonly string[],
  { request, signal, take }: BriefRequest,
): Promise<void> {
  tell(input, Buffer.concat([encodeWords(words), ...request]))
  const answer = readAnswer(output, take).finally(() => closeSync(output))
  if (signal === undefined) return answer
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    // Whoever waits no longer leaves the job to its end.
    await Promise.race([answer, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function tell(input: number, bytes: Buffer): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(input, bytes, at)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error // its answer says why
  } finally {
    closeSync(input)
  }
}

const PIECE_BYTES = 4096

async function readAnswer(output: number, take: (bytes: Buffer) => boolean): Promise<void> {
  for (let size = -1, whole = false; size !== 0 && !whole; ) {
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    size = await new Promise<number>((resolve, reject) => {
      read(output, piece, 0, PIECE_BYTES, null, (error, count) => (error === null ? resolve(count) : reject(error)))
    })
    whole = take(piece.subarray(0, size))
  }
}

function spawnJob(words: readonly string[], native: NativeBuild = { argv: [nativeProgram] }): NativeJob {
  const [program, ...first] = native.argv
  const child = spawn(program, [...first, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...native.env },
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.once('error', (error) => child.stdout.destroy(error))
  child.stdin.on('error', () => {})
  return { input: child.stdin, output: child.stdout, closed, cause: (error) => causeOfEnd(child, error) }
}
