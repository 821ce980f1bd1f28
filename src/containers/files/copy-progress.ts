/** How much has been copied, on a line that is written over and goes away in the end; and one line after that, as docker does. */
import type { Writable } from 'node:stream'
import { humanSize } from '../../ui/units.ts'

export interface CopyProgress extends Disposable {
  /** Bytes of the archive that the copy would be. */
  add(count: number): void
  done(target: string): void
}

const INTERVAL_MS = 200
const END_OF_ARCHIVE = 1024

/** @param stream - undefined: nobody wants to know */
export function openCopyProgress(stream: (Writable & { isTTY?: boolean }) | undefined, doing: string): CopyProgress {
  let bytes = END_OF_ARCHIVE
  let shown = false
  const show = () => {
    stream?.write(`\r\u001b[2K${doing} - ${humanSize(bytes, 3)}`)
    shown = true
  }
  const timer = stream?.isTTY === true ? setInterval(show, INTERVAL_MS) : undefined
  timer?.unref()
  const close = () => {
    clearInterval(timer)
    if (shown) stream?.write('\r\u001b[2K')
    shown = false
  }
  return {
    add: (count) => {
      bytes += count
    },
    done: (target) => {
      close()
      stream?.write(`Successfully copied ${humanSize(bytes, 3)} to ${target}\n`)
    },
    [Symbol.dispose]: close,
  }
}
