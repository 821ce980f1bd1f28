/**
 * `--allow-read`, `--allow-write`, `--allow-env` and what denies them. What is granted by name is a bind at the same path, or a
 * variable of the host; without a name it is what the image asks for, and that is not known yet.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import type { MountSetting } from '../../volumes/types.ts'
import type { HostConfig } from '../config.ts'
import type { RunFlags } from '../flags.ts'
import { mergeEnvironment } from './environment.ts'

export const GRANT_KINDS = ['read', 'write', 'env', 'net'] as const
export type GrantKind = (typeof GRANT_KINDS)[number]

/** What the user says of permissions that the image may ask for. */
export interface Consent {
  readonly granted: ReadonlySet<GrantKind>
  readonly denied: ReadonlySet<GrantKind>
  /** Whatever that is, and no more: it need not ask for anything. */
  readonly all: boolean
  /** Variables by name, or by its beginning and `*`. */
  readonly deniedVariables: readonly string[]
}

export function parseConsent(flags: RunFlags): Consent {
  const bare = (verb: 'allow' | 'deny') => GRANT_KINDS.filter((kind) => isBare(flags[`${verb}-${kind}`]))
  return {
    granted: new Set(bare('allow')),
    denied: new Set(bare('deny')),
    all: flags['allow-all'] ?? false,
    deniedVariables: words(flags['deny-env']),
  }
}

/** A flag without a value says: everything. */
const isBare = (values: readonly string[] = []): boolean => values.includes('')

/** @throws {InvalidArgument} a path that is not there */
export function parseGrantedPaths(flags: RunFlags): Pick<HostConfig, 'Mounts' | 'DenyRead' | 'DenyWrite'> {
  const write = paths(flags, 'allow-write')
  // What lies in something writable is there already.
  const read = paths(flags, 'allow-read').filter((path) => !write.some((granted) => isBelow(path, granted)))
  const DenyRead = paths(flags, 'deny-read')
  const DenyWrite = paths(flags, 'deny-write')
  return {
    Mounts: [...read.map((path) => pathGrant(path, true)), ...write.map((path) => pathGrant(path, false))],
    ...(DenyRead.length > 0 && { DenyRead }),
    ...(DenyWrite.length > 0 && { DenyWrite }),
  }
}

export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}

/** @throws {InvalidArgument} */
export function pathGrant(path: string, readOnly: boolean): MountSetting {
  const flag = `--allow-${readOnly ? 'read' : 'write'}`
  if (path === '/')
    throw new InvalidArgument(`${flag}=/: a container has a root of its own`, {
      hint: `name what is in it: ${flag}=/srv,/home`,
    })
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    throw new InvalidArgument(`${flag}=${path}: no such file or directory`)
  return { Type: 'bind', Source: path, Target: path, ReadOnly: readOnly }
}

type HostEnvironment = Readonly<Record<string, string | undefined>>

/** Entries of the host's environment that are granted by name, under those asked for otherwise; without what is denied. */
export function grantEnvironment(
  flags: RunFlags,
  asked: readonly string[],
  host: HostEnvironment = process.env,
): string[] {
  const granted = words(flags['allow-env'])
  const denied = words(flags['deny-env'])
  const bad = [...granted, ...denied].find((word) => !/^[^=\s\p{Cc}]+$/u.test(word))
  if (bad !== undefined) throw new InvalidArgument(`${JSON.stringify(bad.slice(0, 100))} is no name of a variable`)
  const names = Object.keys(host).filter((name) => isNamed(name, granted))
  const entries = mergeEnvironment(mergeEnvironment([], names, host), asked)
  return entries.filter((entry) => !isNamed(entry.split('=', 1)[0] ?? '', denied))
}

/** `AWS_*` is every name that begins so. */
export function isNamed(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}

function words(values: readonly string[] = []): string[] {
  return [...new Set(values.flatMap((value) => value.split(',')))].filter((word) => word !== '')
}

function paths(flags: RunFlags, name: 'allow-read' | 'allow-write' | 'deny-read' | 'deny-write'): string[] {
  const typed = words(flags[name])
  if (typed.some((path) => path.includes('\0'))) throw new InvalidArgument(`--${name}: a path holds no NUL`)
  return [...new Set(typed.map((path) => resolve(path)))]
}
