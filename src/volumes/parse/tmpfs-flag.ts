/** `--tmpfs` as docker reads it. */
import { InvalidArgument } from '../../errors.ts'
import { mountTarget } from './target.ts'

const OPTIONS =
  /^(?:(?:size|mode|uid|gid|nr_inodes|nr_blocks|mpol|huge)=[\w%:,.-]+|rw|ro|noexec|exec|nosuid|suid|nodev|dev|noatime|atime|nodiratime|relatime|strictatime|sync|dirsync|r?private|r?slave|r?shared)$/

/** `/path[:options]`. @returns target and option text */
export function parseTmpfsFlag(text: string): readonly [target: string, options: string] {
  const colon = text.indexOf(':')
  const options = colon === -1 ? '' : text.slice(colon + 1)
  const fail = (reason: string) => new InvalidArgument(`invalid tmpfs option in '${text}': ${reason}`)
  for (const option of options === '' ? [] : options.split(','))
    if (!OPTIONS.test(option)) throw fail(JSON.stringify(option))
  return [mountTarget(colon === -1 ? text : text.slice(0, colon), fail), options]
}
