/** `-u` and an image's `User`, resolved with the image's own passwd and group files, by runc's rules. */
import { InvalidArgument } from '../../errors.ts'

export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups, the main one first. */
  readonly groups: readonly number[]
  readonly home: string
}

export interface UserFiles {
  /** Content of /etc/passwd and /etc/group, empty when missing. */
  readonly passwd: string
  readonly group: string
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

const MAX_ID = 2 ** 31 - 1

/**
 * @param user - empty (root), `name`, `uid`, `name:group`, `uid:gid` and mixtures
 * @param groupAdd - names and numbers of `--group-add`
 * @throws {InvalidArgument} a name that the files do not have, an id out of range
 */
export function resolveUser(user: string, groupAdd: readonly string[], files: UserFiles): ResolvedUser {
  const colon = user.indexOf(':')
  const userPart = colon === -1 ? user : user.slice(0, colon)
  const groupPart = colon === -1 ? '' : user.slice(colon + 1)
  const entry = findUser(userPart, files.passwd)
  const groups = parseGroups(files.group)
  const uid = entry?.uid ?? numericId(userPart, 'user', 'passwd')
  const gid = groupPart === '' ? (entry?.gid ?? 0) : groupId(groupPart, groups)
  // An explicit group leaves the memberships of the group file out.
  const memberships =
    groupPart === '' && entry !== undefined
      ? groups.filter((group) => group.members.includes(entry.name)).map((group) => group.gid)
      : []
  const added = groupAdd.map((name) => groupId(name, groups))
  return { uid, gid, groups: [...new Set([gid, ...memberships, ...added])], home: entry?.home || '/' }
}

function findUser(user: string, passwd: string): PasswdEntry | undefined {
  const wanted = user === '' ? '0' : user
  const entries = parsePasswd(passwd)
  return (
    entries.find((entry) => entry.name === wanted) ??
    entries.find((entry) => /^\d+$/.test(wanted) && entry.uid === Number(wanted))
  )
}

function groupId(name: string, groups: readonly GroupEntry[]): number {
  return groups.find((group) => group.name === name)?.gid ?? numericId(name, 'group', 'group')
}

function numericId(text: string, kind: string, file: string): number {
  if (text === '') return 0
  if (!/^-?\d+$/.test(text))
    throw new InvalidArgument(`unable to find ${kind} ${text}: no matching entries in ${file} file`)
  const id = Number(text)
  if (id < 0 || id > MAX_ID) throw new InvalidArgument(`uids and gids must be in range 0-${MAX_ID}`)
  return id
}

function parsePasswd(text: string): readonly PasswdEntry[] {
  return rows(text).flatMap(([name, , uid, gid, , home]) => {
    if (name === undefined || !isId(uid) || !isId(gid)) return []
    return [{ name, uid: Number(uid), gid: Number(gid), home: home ?? '' }]
  })
}

function parseGroups(text: string): readonly GroupEntry[] {
  return rows(text).flatMap(([name, , gid, members]) => {
    if (name === undefined || !isId(gid)) return []
    return [{ name, gid: Number(gid), members: (members ?? '').split(',').filter((member) => member !== '') }]
  })
}

function rows(text: string): readonly string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
}

function isId(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID
}
