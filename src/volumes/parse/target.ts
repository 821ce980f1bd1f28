/** What the flags that mount something have in common. */
import { isAbsolute, normalize } from 'node:path'
import type { MountSetting } from '../types.ts'

/** An error that names the flag and its value. */
export type Fail = (reason: string) => Error

/** Where it is mounted: absolute, without `..` and without a slash at its end. */
export function mountTarget(path: string, fail: Fail): string {
  if (!isAbsolute(path)) throw fail(`invalid mount path: '${path}' mount path must be absolute`)
  if (path.includes('\0')) throw fail('a path holds no NUL')
  const clean = normalize(path).replace(/(.)\/+$/, '$1')
  if (clean === '/') throw fail("invalid specification: destination can't be '/'")
  return clean
}

type Propagation = NonNullable<MountSetting['Propagation']>
const PROPAGATIONS: readonly string[] = ['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared']

export function isPropagation(word: string): word is Propagation {
  return PROPAGATIONS.includes(word)
}
