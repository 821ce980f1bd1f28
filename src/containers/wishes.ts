/** What an image of WebAssembly asks for by its label, and what of it the user grants: the image itself grants nothing. */

import { existsSync, readdirSync } from 'node:fs'
import { normalize } from 'node:path/posix'
import { InvalidArgument } from '../errors.ts'
import { parseNetRule } from '../network/names/parse.ts'
import { describeAccess, splitPermission } from '../oci/permissions.ts'
import type { MountSetting } from '../volumes/types.ts'
import type { ContainerSettings, HostConfig } from './config.ts'
import { PermissionLabelInvalid, PermissionsNeeded } from './errors.ts'
import type { Source } from './obtain-image.ts'
import { mergeEnvironment } from './parse/environment.ts'
import { GRANT_KINDS, type GrantKind, isBelow, isNamed, pathGrant } from './parse/grants.ts'

/** Label of an image, annotation of an artifact: `read=/data write=/out net=api.example:443 env=TOKEN`; `net` alone is every host. */
export const PERMISSIONS_LABEL = 'coracle.permissions'

export interface Wish {
  readonly kind: GrantKind
  /** An absolute path, a rule, or a name; empty: every host. */
  readonly value: string
}

export type Ask = (question: string) => Promise<boolean>

/**
 * @returns the settings with what is granted
 * @throws {PermissionsNeeded} something is left to be asked, and nobody is there to be asked
 * @throws {PermissionLabelInvalid}
 */
export async function settleWishes(settings: ContainerSettings, source: Source, ask?: Ask): Promise<ContainerSettings> {
  const label = source.config.config?.Labels?.[PERMISSIONS_LABEL] ?? source.annotations[PERMISSIONS_LABEL]
  if (label === undefined) return grantUnasked(settings, source)
  const wishes = readWishes(label)
  const open = wishes.filter((wish) => !isHeld(wish, settings) && !isDenied(wish, settings))
  const { all, granted: kinds } = settings.consent
  const granted = open.filter(({ kind }) => all || kinds.has(kind))
  const left = open.filter((wish) => !granted.includes(wish))
  if (left.length > 0 && ask === undefined)
    throw new PermissionsNeeded(settings.config.Image, left.map(wordOf), left.map(flagOf))
  for (const wish of left) {
    if (await ask?.(`Allow ${settings.config.Image} to ${describeAccess(wish) ?? wordOf(wish)}?`)) granted.push(wish)
  }
  return granted.reduce(grant, settings)
}

/** An image that says nothing gets nothing by flags without a value, but a module alone can have everything. */
function grantUnasked(settings: ContainerSettings, { content }: Source): ContainerSettings {
  if (content.kind !== 'module') return refuseUnasked(settings)
  const { config, host, consent } = settings
  const granted = GRANT_KINDS.filter((kind) => (consent.all || consent.granted.has(kind)) && !consent.denied.has(kind))
  const files = granted.includes('write') || granted.includes('read')
  const Mounts = files ? [...host.Mounts, ...everything(host, !granted.includes('write'))] : host.Mounts
  const variables = granted.includes('env') ? everyVariable(consent.deniedVariables) : []
  return {
    ...settings,
    host: { ...host, Mounts },
    config: { ...config, Env: mergeEnvironment(variables, config.Env) },
    consent: { ...consent, granted: new Set(granted) },
  }
}

/** Of what asks for nothing, native images among them. @throws {InvalidArgument} a flag without a value would do nothing */
export function refuseUnasked(settings: ContainerSettings): ContainerSettings {
  const { config, consent } = settings
  const kind = (['write', 'read', 'env'] as const).find((one) => consent.granted.has(one))
  if (kind === undefined) return settings
  const value = kind === 'env' ? 'NAME' : 'PATH'
  throw new InvalidArgument(
    `--allow-${kind} without a value is what an image asks for, and ${config.Image} asks for nothing`,
    {
      hint: `say what: --allow-${kind}=${value}`,
    },
  )
}

/** Interfaces to the kernel are no files to read. */
const NO_FILES = new Set(['dev', 'proc', 'sys'])

function everything({ Mounts, Tmpfs }: HostConfig, readOnly: boolean): MountSetting[] {
  const taken = new Set([...Mounts.map(({ Target }) => Target), ...Object.keys(Tmpfs)])
  const paths = readdirSync('/').flatMap((name) => (NO_FILES.has(name) ? [] : `/${name}`))
  return paths.filter((path) => !taken.has(path) && existsSync(path)).map((path) => pathGrant(path, readOnly))
}

/** These tell where the host's own things are. */
const OWN_VARIABLES = new Set(['PATH', 'HOME', 'HOSTNAME', 'PWD', 'OLDPWD', 'SHLVL', '_'])

function everyVariable(denied: readonly string[]): string[] {
  return Object.entries(process.env).flatMap(([name, value]) =>
    OWN_VARIABLES.has(name) || isNamed(name, denied) ? [] : `${name}=${value}`,
  )
}

const MAX_LABEL_LENGTH = 16_384
const MAX_WISHES = 64

/** @throws {PermissionLabelInvalid} */
export function readWishes(label = ''): readonly Wish[] {
  if (label.length > MAX_LABEL_LENGTH) throw new PermissionLabelInvalid('it is too long')
  const words = label.split(/\s+/).filter((word) => word !== '')
  const wishes = words.flatMap((word) => {
    const { kind, value } = splitPermission(word)
    const values = value === '' ? [''] : value.split(',')
    return values.map((one) => checkedWish(word, kind, one))
  })
  if (wishes.length > MAX_WISHES) throw new PermissionLabelInvalid(`it asks for more than ${MAX_WISHES} things`)
  return [...new Map(wishes.map((wish) => [wordOf(wish), wish])).values()]
}

function checkedWish(word: string, typed: string, value: string): Wish {
  const kind = GRANT_KINDS.find((name) => name === typed)
  const fail = (reason: string) => new PermissionLabelInvalid(`${JSON.stringify(word.slice(0, 100))} ${reason}`)
  if (kind === undefined || /\p{Cc}/u.test(word)) throw fail('is no permission')
  if (kind === 'read' || kind === 'write') {
    if (!value.startsWith('/') || normalize(value) === '/') throw fail('names no absolute path below /')
    return { kind, value: normalize(value).replace(/\/$/, '') }
  }
  if (kind === 'env' && !/^[A-Za-z_]\w*$/.test(value)) throw fail('names no variable')
  if (kind === 'net' && value !== '') parseNetRule(value)
  return { kind, value }
}

const wordOf = ({ kind, value }: Wish): string => (value === '' ? kind : `${kind}=${value}`)
const flagOf = (wish: Wish): string => `--allow-${wordOf(wish)}`

/** Whether the user has given it already, in whatever words. */
function isHeld({ kind, value }: Wish, { config, host, consent }: ContainerSettings): boolean {
  if (kind === 'env') return config.Env.some((entry) => entry.startsWith(`${value}=`))
  if (kind === 'net') {
    const anything = consent.granted.has('net') || !['', 'none'].includes(host.NetworkMode)
    return host.AllowNet === undefined ? anything : host.AllowNet.includes(value)
  }
  const mounts = [
    ...host.Mounts.filter(({ ReadOnly }) => kind === 'read' || !ReadOnly).map(({ Target }) => Target),
    ...Object.keys(host.Tmpfs),
  ]
  return mounts.some((target) => isBelow(value, target))
}

function isDenied({ kind, value }: Wish, { host, consent }: ContainerSettings): boolean {
  if (consent.denied.has(kind)) return true
  if (kind === 'env') return isNamed(value, consent.deniedVariables)
  if (kind === 'net') return (host.DenyNet ?? []).includes(value)
  const denied = [...(host.DenyRead ?? []), ...(kind === 'write' ? (host.DenyWrite ?? []) : [])]
  return denied.some((path) => isBelow(value, path))
}

function grant(settings: ContainerSettings, { kind, value }: Wish): ContainerSettings {
  const { config, host, consent } = settings
  if (kind === 'env')
    return { ...settings, config: { ...config, Env: mergeEnvironment(config.Env, [value], process.env) } }
  if (kind === 'net') {
    if (value === '') return { ...settings, consent: { ...consent, granted: new Set([...consent.granted, kind]) } }
    return { ...settings, host: { ...host, AllowNet: [...(host.AllowNet ?? []), value] } }
  }
  const others = host.Mounts.filter(({ Target }) => Target !== value) // of one that may only be read
  return { ...settings, host: { ...host, Mounts: [...others, pathGrant(value, kind === 'read')] } }
}
