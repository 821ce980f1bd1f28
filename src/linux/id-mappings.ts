/** Which ids a user namespace of this user may hold. */
import { accessSync, constants, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { IdRange } from './plan.ts'

export interface IdMappings {
  readonly uids: readonly IdRange[]
  readonly gids: readonly IdRange[]
  /** By newuidmap and newgidmap, which may map what /etc/subuid grants; otherwise only the user's own id is mapped. */
  readonly helpers: boolean
}

/** Those to work in as an ordinary user; root needs none. */
export function userIdMaps(): IdMappings | undefined {
  return process.geteuid?.() === 0 ? undefined : readIdMappings()
}

/** Root inside is the user outside; the ids after it come from the user's subordinate ranges, where there are any. */
export function readIdMappings(
  uid: number = process.geteuid?.() ?? 0,
  gid: number = process.getegid?.() ?? 0,
): IdMappings {
  const names = new Set([String(uid), userNameOf(uid)])
  const uids = parseSubordinateRanges(readText('/etc/subuid'), names)
  const gids = parseSubordinateRanges(readText('/etc/subgid'), names)
  const helpers = uids.length > 0 && gids.length > 0 && isOnPath('newuidmap') && isOnPath('newgidmap')
  const own = (outside: number): IdRange => ({ inside: 0, outside, size: 1 })
  return helpers
    ? { uids: [own(uid), ...uids], gids: [own(gid), ...gids], helpers }
    : { uids: [own(uid)], gids: [own(gid)], helpers }
}

/** Lines of `NAME-OR-UID:START:COUNT` (subuid(5)), laid out one after the other from id 1 up. */
export function parseSubordinateRanges(text: string, names: ReadonlySet<string>): IdRange[] {
  let inside = 1
  return text.split('\n').flatMap((line) => {
    const [, name = '', start, size] = /^([^:]+):(\d+):(\d+)\s*$/.exec(line) ?? []
    const range = { inside, outside: Number(start), size: Number(size) }
    if (!names.has(name) || !(range.outside > 0 && range.size > 0)) return []
    inside += range.size
    return [range]
  })
}

function userNameOf(uid: number): string {
  try {
    return userInfo({ encoding: 'utf8' }).uid === uid ? userInfo().username : String(uid)
  } catch {
    return String(uid) // a user that passwd does not know
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // no ranges for anybody
  }
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
