/** Which streams are terminals. */
import { fstatSync } from 'node:fs'

/** Of Linux: `/dev/null`, `/dev/zero` and the like. */
const MEMORY_DEVICES = 1

/** Like isatty(3), whose module loads all of Node's network with it: it is asked about what may be one. */
export function isTerminal(fd: number): boolean {
  const stats = fstatSync(fd)
  if (!stats.isCharacterDevice() || majorOf(stats.rdev) === MEMORY_DEVICES) return false
  return process.getBuiltinModule('node:tty').isatty(fd)
}

const majorOf = (device: number): number => (device >>> 8) & 0xfff
