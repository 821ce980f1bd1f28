/** `--security-opt`, `--cap-add`/`--cap-drop`, `--device`, `--device-cgroup-rule`, `--sysctl`. */
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import type { DeviceMapping } from '../config.ts'
import { ALL_CAPABILITIES } from '../spec/capabilities.ts'
import { invalid } from './values.ts'

export interface SecuritySettings {
  /** docker-format profile as JSON text, or `unconfined` */
  Seccomp?: string
  NoNewPrivileges: boolean
  SystemPathsUnconfined: boolean
}

/** @throws {InvalidArgument} an unknown option, a profile that is no JSON */
export function parseSecurityOptions(options: readonly string[]): SecuritySettings {
  const settings: SecuritySettings = { NoNewPrivileges: false, SystemPathsUnconfined: false }
  for (const option of options) {
    // `seccomp:x` is the spelling before docker 1.11
    const match = /^([^=:]+)(?:[=:](.*))?$/s.exec(option)
    const name = match?.[1] ?? ''
    const value = match?.[2]
    if (name === 'no-new-privileges') settings.NoNewPrivileges = parseBoolean(value ?? 'true', option)
    else if (name === 'seccomp' && value !== undefined) {
      if (value !== 'builtin') settings.Seccomp = value === 'unconfined' ? value : readProfile(value)
    } else if (name === 'systempaths' && value === 'unconfined') settings.SystemPathsUnconfined = true
    // Without the module in the kernel docker takes these and does nothing.
    else if ((name === 'apparmor' || name === 'label') && value !== undefined) continue
    else throw new InvalidArgument(`invalid --security-opt 2: ${JSON.stringify(option)}`)
  }
  return settings
}

function readProfile(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new InvalidArgument(`opening seccomp profile (${path}) failed: ${(error as Error).message}`, { cause: error })
  }
  try {
    return JSON.stringify(JSON.parse(text))
  } catch (error) {
    throw new InvalidArgument(`compacting json for seccomp profile (${path}) failed: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function parseBoolean(text: string, option: string): boolean {
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw new InvalidArgument(`invalid --security-opt: ${JSON.stringify(option)}`)
}

/** `net_admin`, `CAP_NET_ADMIN` or `ALL`, upper case with the prefix. */
export function parseCapability(text: string, list: 'CapAdd' | 'CapDrop'): string {
  const upper = text.toUpperCase()
  if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL'
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`
  if (!ALL_CAPABILITIES.includes(name))
    throw new InvalidArgument(`invalid ${list}: unknown capability: ${JSON.stringify(name)}`)
  return name
}

/** `/dev/x`, `/dev/x:/dev/y`, `/dev/x:rwm`, `/dev/x:/dev/y:r`. */
export function parseDevice(text: string): DeviceMapping {
  const [source = '', second, third, ...rest] = text.split(':')
  const isPermissions = (part: string) => /^[rwm]{1,3}$/.test(part) && new Set(part).size === part.length
  const fail = (reason: string) => new InvalidArgument(`${reason}: ${text}`)
  if (rest.length > 0) throw fail('invalid device specification')
  if (!isAbsolute(source)) throw fail('invalid device: must be an absolute path')
  const secondIsPath = second !== undefined && !(third === undefined && isPermissions(second))
  const target = secondIsPath ? second : source
  const permissions = third ?? (secondIsPath ? 'rwm' : (second ?? 'rwm'))
  if (!isPermissions(permissions)) throw fail('invalid device mode')
  if (!isAbsolute(target)) throw fail('invalid device: the path in the container must be absolute')
  return { PathOnHost: source, PathInContainer: target, CgroupPermissions: permissions }
}

const DEVICE_RULE = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/

export function parseDeviceRule(text: string): string {
  if (!DEVICE_RULE.test(text)) throw invalid(text, 'device-cgroup-rule', `invalid device cgroup format '${text}'`)
  return text
}

const IPC_SYSCTLS = new Set(
  'kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_rmid_forced'.split(
    ' ',
  ),
)

/** Only what a container's own namespaces hold may be set. */
export function parseSysctl(text: string): readonly [key: string, value: string] {
  const equals = text.indexOf('=')
  const key = text.slice(0, Math.max(equals, 0))
  const named = IPC_SYSCTLS.has(key) || key.startsWith('net.') || key.startsWith('fs.mqueue.')
  if (equals === -1 || !named || !/^[A-Za-z0-9._/-]+$/.test(key) || key.includes('..'))
    throw invalid(text, 'sysctl', `sysctl '${text}' is not allowed`)
  return [key, text.slice(equals + 1)]
}
