/** Permissions as words (`read=/data`): checked, shown, compared, and told to Node. */
import { resolve } from 'node:path'
import { describeAccess, splitPermission as split } from '../oci/permissions.ts'
import type { Permission } from './plugin.ts'

/** What the flags of `plugins add` are called after: `--allow-read`. */
export const PERMISSION_KINDS = ['read', 'write', 'env', 'net', 'run', 'engine'] as const
export type PermissionKind = (typeof PERMISSION_KINDS)[number]

const MAX_LENGTH = 4096
/** What lets a plugin at the engine, and what that is for people. */
const ENGINE: Readonly<Record<string, string>> = {
  'engine:read': 'list and inspect images and containers, their environment included',
  'engine:run': 'run containers, which see nothing of this host and have a network only if it may use one itself',
  'engine:write': 'pull and remove images, stop and remove containers',
}

/** The reason why a word is no permission; undefined when it is one. */
export function permissionFault(word: string): string | undefined {
  if (word.length > MAX_LENGTH || /\p{Cc}/u.test(word)) return 'it is too long or holds control characters'
  if (['read', 'write', 'env', 'net', 'run'].includes(word) || Object.hasOwn(ENGINE, word)) return undefined
  const { kind, value } = split(word)
  // Node takes `*` in a path for a pattern.
  if ((kind === 'read' || kind === 'write') && /^[./][^*,]*$/.test(value))
    return turnsBack(value) ? 'its path says one thing and means another: leave out the ..' : undefined
  if (kind === 'env' && /^[A-Za-z_]\w*$/.test(value)) return undefined
  return 'there is no such permission'
}

/** `/data/../etc`, but not `../data`. */
function turnsBack(path: string): boolean {
  const parts = path.split('/')
  const start = parts.findIndex((part) => part !== '.' && part !== '..')
  return start !== -1 && parts.slice(start).includes('..')
}

export function permissionKind(permission: Permission): PermissionKind {
  return Object.hasOwn(ENGINE, permission) ? 'engine' : (split(permission).kind as PermissionKind)
}

/** For the question at the terminal. */
export function describePermission(permission: Permission): string {
  const access = describeAccess(split(permission))
  if (access !== undefined) return access
  if (permission === 'run') return 'run any program, which can do whatever you can'
  return ENGINE[permission] ?? permission
}

/** Those of `wanted` that `granted` has not. */
export function missingPermissions(wanted: readonly Permission[], granted: readonly Permission[]): Permission[] {
  return wanted.filter((each) => !granted.includes(each) && !granted.includes(split(each).kind as Permission))
}

/** Of `read=PATH`, as it was granted. */
export function readablePaths(granted: readonly Permission[]): string[] {
  return granted.map(split).flatMap(({ kind, value }) => (kind === 'read' && value !== '' ? [value] : []))
}

/** Why a module cannot have what a script can: its files are in memory, and it has no way to anything else. */
export function moduleFault(permission: Permission): string | undefined {
  const { kind, value } = split(permission)
  if (kind === 'env' || (kind === 'read' && value !== '')) return undefined
  return 'a module can be granted nothing but env and read=PATH'
}

/** Absolute paths that may be read and written; `/` for everything. @param directory - what relative paths are of */
export function grantedPaths(
  granted: readonly Permission[],
  directory: string,
): { readonly read: string[]; readonly write: string[] } {
  const of = (wanted: string) =>
    granted.map(split).flatMap(({ kind, value }) => (kind === wanted ? [resolve(directory, value || '/')] : []))
  return { read: of('read'), write: of('write') }
}

/** Arguments of Node's permission model. @param directory - what relative paths are of */
export function nodePermissionFlags(granted: readonly Permission[], directory: string): string[] {
  const { read, write } = grantedPaths(granted, directory)
  const pattern = (path: string) => (path === '/' ? '*' : path)
  return [
    ...read.map((path) => `--allow-fs-read=${pattern(path)}`),
    ...write.map((path) => `--allow-fs-write=${pattern(path)}`),
    ...(granted.includes('net') ? ['--allow-net'] : []),
    ...(granted.includes('run') ? ['--allow-child-process'] : []),
  ]
}

/** Harmless, and without them a program cannot talk to its terminal. */
const ALWAYS = ['TERM', 'COLORTERM', 'NO_COLOR', 'LANG', 'LC_ALL', 'TZ']
/** These would let whoever sets them change what Node itself does; they are nothing that a plugin can ask for. */
const NEVER = /^(?:NODE_|LD_)/

/** What of `env` a plugin sees. */
export function grantedEnvironment(granted: readonly Permission[], env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = granted.includes('env')
    ? Object.keys(env)
    : [...ALWAYS, ...granted.map(split).flatMap(({ kind, value }) => (kind === 'env' ? [value] : []))]
  const seen = names.filter((name) => env[name] !== undefined && !NEVER.test(name))
  return Object.fromEntries(seen.map((name) => [name, env[name]]))
}
