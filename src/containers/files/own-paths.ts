/** What every start makes in the root for something to be mounted on. docker hides the same, in a layer of its own. */

import { TYPE } from '../../archive/tree-sinks.ts'
import type { TreeEntry } from '../../linux/archive.ts'

const OWN_PATHS: ReadonlySet<string> = new Set([
  '.dockerenv',
  'dev',
  'dev/console',
  'dev/mqueue',
  'dev/pts',
  'dev/shm',
  'etc',
  'etc/hostname',
  'etc/hosts',
  'etc/resolv.conf',
  'proc',
  'sys',
  'sys/fs',
  'sys/fs/cgroup',
])

/** The image does not have it, and there is nothing in it but, for a directory, what others have put there. */
export function isMountPoint({ path, change, mode, sizeBytes }: TreeEntry): boolean {
  return change === 'added' && OWN_PATHS.has(path) && ((mode & TYPE.mask) === TYPE.directory || sizeBytes === 0)
}
