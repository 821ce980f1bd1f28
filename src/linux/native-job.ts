/** A job of the native program that reads one stream and writes another: one that waits beside us (native/beside.c), or a new process. */
import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { Cancelled } from '../errors.ts'
import { nativeProgram } from '../package-root.ts'
import { takeInheritedJob } from '../util/inherited.ts'
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
  const text = new WireWriter().strings(['coracle-native', ...words]).finish()
  taking.write(Buffer.concat([new WireWriter().u32(text.length).finish(), text]))
  return { input: taking, output: giving, closed, cause: (error) => error } // no signal of the terminal gets there
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
