/** Tells the user, once for each kind, which flag would have given a module what it looked for. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dirname, normalize } from 'node:path/posix'
import { neutralise, shellLine } from '../ui/text.ts'
import type { HostConfig } from './config.ts'
import { isBelow } from './parse/grants.ts'

const MAX_BYTES = 256 << 10

interface Refused {
  readonly path: string
  readonly writes: boolean
  readonly code: string
}

/** @param directory - the container's own; nothing is known of native containers */
export function refusalNotes(directory: string, host: HostConfig): string[] {
  const refused = readRefused(join(directory, 'refused'))
  return [false, true].flatMap((writes) => {
    const found = refused.filter((one) => one.writes === writes).flatMap((one) => noteOf(one, host) ?? [])
    return found.slice(0, 1)
  })
}

/** The runner writes it, in the worst case a module that broke out: nothing in it is taken at its word. */
function readRefused(file: string): Refused[] {
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats === undefined || stats.size > MAX_BYTES) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => parseLine(line) ?? [])
}

function parseLine(line: string): Refused | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // cut short
  }
  const { path, writes, code } = (value ?? {}) as Partial<Record<keyof Refused, unknown>>
  if (typeof path !== 'string' || typeof writes !== 'boolean' || typeof code !== 'string') return undefined
  return path.startsWith('/') && !path.includes('\0') ? { path: normalize(path), writes, code } : undefined
}

function noteOf({ path, writes, code }: Refused, host: HostConfig): string | undefined {
  const mount = host.Mounts.filter(({ Target }) => isBelow(path, Target)).toSorted(
    (a, b) => b.Target.length - a.Target.length,
  )[0]
  // What is missing in a mount is missing on the host; what cannot be changed can be, where it was granted for reading.
  if (code === 'ENOENT' ? mount !== undefined : mount?.Source !== mount?.Target || mount === undefined) return undefined
  const flag = writes ? 'write' : 'read'
  const denied = [...(host.DenyRead ?? []), ...(writes ? (host.DenyWrite ?? []) : [])]
  const grant = existsSync(path) ? path : writes ? dirname(path) : undefined
  if (grant === undefined || grant === '/' || !existsSync(grant)) return undefined
  if (denied.some((one) => isBelow(path, one))) return undefined
  return neutralise(`the module was refused ${path}: ${shellLine([`--allow-${flag}=${grant}`])} would allow it`)
}
