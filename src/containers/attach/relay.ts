/** Connects a container's stdio with the user's, until the container closes it or the user leaves. */
import { spawnSync } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import type { RunIO } from '../types.ts'
import { detachFilter } from './detach-keys.ts'
import { demultiplexer } from './frames.ts'

export interface RelayOptions {
  readonly terminal: boolean
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  /** Bytes that detach; with a terminal only. */
  readonly detachKeys: Buffer | undefined
}

/** `closed`: the container's output has ended and is written; `broken-pipe`: nobody reads ours any more. */
export type RelayEnd = 'closed' | 'detached' | 'broken-pipe'

export interface Relay {
  readonly ended: Promise<RelayEnd>
  /** Lets go of the user's stdin and the terminal mode. Idempotent. */
  close(): void
}

export function openRelay(stdio: Duplex, io: RunIO, options: RelayOptions): Relay {
  const { promise: ended, resolve } = Promise.withResolvers<RelayEnd>()
  const restoreTerminal = options.terminal && options.stdin ? rawMode(io) : () => {}
  const onOutputError = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    resolve('broken-pipe')
  }
  io.stdout.on('error', onOutputError)
  io.stderr.on('error', onOutputError)
  // A container that has ended resets the connection while we may still write stdin to it.
  stdio.on('error', () => resolve('closed'))
  void relayOutput(stdio, io, options).then(() => resolve('closed'))
  const input = options.stdin
    ? relayInput(stdio, io, { keys: options.detachKeys, onDetach: () => resolve('detached') })
    : undefined
  return {
    ended,
    close: () => {
      restoreTerminal()
      input?.()
      io.stdout.off('error', onOutputError)
      io.stderr.off('error', onOutputError)
    },
  }
}

/** Resolves when the last byte has been handed to the user's streams. */
function relayOutput(stdio: Duplex, io: RunIO, options: RelayOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (options.terminal) {
    if (options.stdout) stdio.pipe(io.stdout, { end: false })
    else stdio.resume()
    stdio.once('end', resolve)
  } else {
    const sink = demultiplexer({
      ...(options.stdout && { 1: io.stdout }),
      ...(options.stderr && { 2: io.stderr }),
    })
    sink.once('finish', resolve)
    stdio.pipe(sink)
  }
  stdio.once('close', resolve)
  return promise
}

/** @returns what stops it */
function relayInput(
  stdio: Duplex,
  io: RunIO,
  detach: { readonly keys: Buffer | undefined; readonly onDetach: () => void },
): () => void {
  const source: Readable =
    detach.keys === undefined ? io.stdin : io.stdin.pipe(detachFilter(detach.keys, detach.onDetach))
  source.pipe(stdio)
  // A terminal that went away, a file that cannot be read: for the container it is the end of its input.
  const onError = () => stdio.end()
  io.stdin.once('error', onError)
  return () => {
    io.stdin.unpipe()
    io.stdin.destroy() // an idle stdin would keep this process waiting
  }
}

/** Raw mode until the answer is called, or this process ends. */
function rawMode({ stdin }: RunIO): () => void {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return () => {}
  let raw = true
  const restore = () => {
    if (!raw) return
    raw = false
    stdin.setRawMode?.(false)
    process.off('exit', restore)
    for (const name of DEADLY) process.off(name, onSignal)
  }
  const onSignal = (name: NodeJS.Signals) => {
    restore()
    process.kill(process.pid, name)
  }
  stdin.setRawMode(true)
  // Node leaves the terminal turning line feeds into carriage returns too; a full-screen program inside has done its own.
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] })
  process.once('exit', restore)
  for (const name of DEADLY) process.once(name, onSignal)
  return restore
}

const DEADLY: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']
