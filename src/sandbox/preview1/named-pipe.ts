/**
 * Named pipes that somebody has put into a module's files. Opening one waits for the other end, which the kernel must not do for us:
 * nothing else of the module would go on meanwhile. So they are opened without waiting, again and again.
 */
import { closeSync, openSync, statSync } from 'node:fs'
import { FD_FLAG } from './abi.ts'
import { pauseNs } from './clocks.ts'
import { codeOf } from './errno.ts'
import type { OpenFile, OpenOptions } from './files.ts'
import { WouldWait } from './patience.ts'
import { openStream } from './streams.ts'

/** A descriptor opened without waiting. Of the writing end: as soon as there is a reader. @throws {WouldWait} */
export function openWithoutWaiting(path: string, hostFlags: number, options: OpenOptions): number {
  for (;;) {
    try {
      return openSync(path, hostFlags, 0o666)
    } catch (error) {
      if (codeOf(error) !== 'ENXIO' || doesNotWait(options) || !statSync(path).isFIFO()) throw error
    }
    waitAMoment(options)
  }
}

/**
 * Of the reading end: as soon as there is a writer, or what one has left.
 *
 * @param fd - closed when the wait is not over @throws {WouldWait}
 */
export function openPipe(fd: number, options: OpenOptions): OpenFile {
  try {
    for (;;) {
      const stream = openStream(fd, { waits: waits(options) })
      stream.setFlags(options.flags)
      // Nothing to read and nobody who could write.
      const deserted = !options.write && !doesNotWait(options) && stream.readable?.() === 0
      if (!deserted) return { ...stream, close: () => closeAll(stream, fd) }
      stream.close()
      waitAMoment(options)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function closeAll(stream: OpenFile, fd: number): void {
  stream.close()
  closeSync(fd)
}

const waits = ({ waits: may = true }: OpenOptions): boolean => may

const doesNotWait = ({ flags }: OpenOptions): boolean => (flags & FD_FLAG.nonblock) !== 0

const PAUSE_NS = 5_000_000n

function waitAMoment(options: OpenOptions): void {
  if (!waits(options)) throw new WouldWait()
  pauseNs(PAUSE_NS)
}
