/**
 * Whether the kernel itself follows no symbolic link below a directory: its file system, and all that is mounted below it, is
 * mounted with `nosymfollow`. Then a path of plain names leads nowhere but down, whoever changes what meanwhile.
 */
import { readFileSync } from 'node:fs'

/** @param fd - of the directory. Right for as long as nobody mounts anything, as in a mount namespace of one's own */
export function isLinkless(fd: number): boolean {
  const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
  if (mount === undefined) return false
  const all = readFileSync('/proc/self/mountinfo', 'latin1').split('\n').map(readMount)
  const isRefusing = (id: string): boolean =>
    all.some((one) => one.id === id && one.options.includes('nosymfollow')) &&
    all.every((one) => one.parent !== id || one.id === id || isRefusing(one.id))
  return isRefusing(mount)
}

/** proc_pid_mountinfo(5): number, number of the parent, device, root, place, options. */
function readMount(line: string): { id: string; parent: string; options: readonly string[] } {
  const [id = '', parent = '', , , , options = ''] = line.split(' ')
  return { id, parent, options: options.split(',') }
}
