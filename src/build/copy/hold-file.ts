/** A file of a tree that somebody may be changing, looked at once and then held. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, realpathSync } from 'node:fs'
import type { ByteString } from '../../linux/apply.ts'
import { SourceMissing } from '../errors.ts'

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Between the look at a path and its opening a directory on the way may have become a link to elsewhere on this host: where
 * the file really is tells the kernel.
 *
 * @param path - below `root`, without links
 * @param stack - closes it
 * @returns a path that stands for this very file until then, whatever takes its place; undefined: it is no regular file
 * @throws {SourceMissing} it is not there any more
 */
export function holdFile(root: string, path: ByteString, stack: AsyncDisposableStack): string | undefined {
  const whole = Buffer.from(`${realpathSync(root).replace(/^\/$/, '')}/`)
  const expected = Buffer.concat([whole, Buffer.from(path, 'latin1')])
  let file: number
  try {
    file = openSync(expected, FLAGS)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENXIO') return undefined // a socket, or a device that nothing stands behind
    throw code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR' ? missing(path, cause) : cause
  }
  stack.defer(() => closeSync(file))
  if (!readlinkSync(`/proc/self/fd/${file}`, 'buffer').equals(expected)) throw missing(path)
  // Of this process, for programs that it starts have other descriptors.
  return fstatSync(file).isFile() ? `/proc/${process.pid}/fd/${file}` : undefined
}

function missing(path: ByteString, cause?: unknown): SourceMissing {
  return new SourceMissing(`/${Buffer.from(path, 'latin1').toString()}`, { cause })
}
