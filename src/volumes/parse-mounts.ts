/** `-v`, `--mount` and `--tmpfs` as docker reads them: volumes, binds and tmpfs. */
import { isAbsolute, normalize, resolve } from 'node:path'
import { InvalidArgument } from '../errors.ts'
import { checkVolumeName } from './names.ts'
import type { MountSetting } from './types.ts'

const VOLUME_KEYS = ['NoCopy', 'VolumeLabels', 'VolumeDriver', 'VolumeOptions'] as const
const PROPAGATIONS = new Set(['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'])
/** Accepted for docker's sake: SELinux labels, consistency hints of Docker Desktop. */
const IGNORED_MODES = new Set(['z', 'Z', 'cached', 'delegated', 'consistent', 'rw'])

/** `/host:/path[:options]`, `./relative:/path`, or `/path` alone (an anonymous volume). */
export function parseVolumeFlag(text: string, cwd: string = process.cwd()): MountSetting {
  const parts = text.split(':')
  const fail = (reason: string) => new InvalidArgument(`invalid volume specification: '${text}'${reason}`)
  if (parts.length > 3 || parts.some((part) => part === '')) throw fail(': empty section between colons')
  const [first = '', second, modes = ''] = parts
  if (second === undefined) return { Type: 'volume', Source: '', Target: target(first, fail), ReadOnly: false }
  const named = !isAbsolute(first) && !first.startsWith('.') && !first.startsWith('~')
  if (named) checkVolumeName(first)
  const setting: MountSetting = named
    ? { Type: 'volume', Source: first, Target: target(second, fail), ReadOnly: false, CreateMountpoint: true }
    : {
        Type: 'bind',
        Source: resolve(cwd, first),
        Target: target(second, fail),
        ReadOnly: false,
        CreateMountpoint: true,
      }
  for (const mode of modes === '' ? [] : modes.split(',')) {
    if (mode === 'ro') setting.ReadOnly = true
    else if (mode === 'nocopy' && named) setting.NoCopy = true
    else if (PROPAGATIONS.has(mode)) setting.Propagation = mode as NonNullable<MountSetting['Propagation']>
    else if (!IGNORED_MODES.has(mode)) throw fail(`: invalid mode: ${modes}`)
  }
  return setting
}

function target(path: string, fail: (reason: string) => Error): string {
  if (!isAbsolute(path)) throw fail(`: invalid mount path: '${path}' mount path must be absolute`)
  const clean = normalize(path).replace(/(.)\/+$/, '$1')
  if (clean === '/') throw fail(": invalid specification: destination can't be '/'")
  return clean
}

/** `type=bind,source=/a,target=/b,readonly`, with the keys of docker. */
export function parseMountFlag(text: string, cwd: string = process.cwd()): MountSetting {
  const fail = (reason: string) =>
    new InvalidArgument(`invalid argument ${JSON.stringify(text)} for "--mount" flag: ${reason}`)
  const setting: MountSetting = { Type: 'volume', Source: '', Target: '', ReadOnly: false }
  let type = 'volume'
  for (const field of splitFields(text)) {
    const equals = field.indexOf('=')
    const key = (equals === -1 ? field : field.slice(0, equals)).trim().toLowerCase()
    const value = equals === -1 ? undefined : field.slice(equals + 1)
    if (key === 'type') type = (value ?? '').toLowerCase()
    else applyKey(setting, { key, value, fail, cwd })
  }
  if (type !== 'volume' && type !== 'bind' && type !== 'tmpfs')
    throw fail(`mount type ${JSON.stringify(type)} is not supported: use volume, bind or tmpfs`)
  if (setting.Target === '') throw fail('target is required')
  if (type === 'bind' && setting.Source === '') throw fail('source is required')
  if (type === 'tmpfs' && setting.Source !== '') throw fail('source is not allowed for a tmpfs')
  if (type !== 'bind' && (setting.Propagation !== undefined || setting.NonRecursive !== undefined))
    throw fail(`cannot mix 'bind-*' options with mount type '${type}'`)
  if (type !== 'tmpfs' && (setting.TmpfsSizeBytes !== undefined || setting.TmpfsMode !== undefined))
    throw fail(`cannot mix 'tmpfs-*' options with mount type '${type}'`)
  if (type !== 'volume' && VOLUME_KEYS.some((key) => setting[key] !== undefined))
    throw fail(`cannot mix 'volume-*' options with mount type '${type}'`)
  if (type === 'volume') {
    if (setting.Source !== '') checkVolumeName(setting.Source)
    return setting
  }
  return { ...setting, Type: type, Source: setting.Source === '' ? '' : resolve(cwd, setting.Source) }
}

interface KeyContext {
  readonly key: string
  readonly value: string | undefined
  readonly fail: (reason: string) => Error
  readonly cwd: string
}

function applyKey(setting: MountSetting, context: KeyContext): void {
  const { key, fail } = context
  const value = context.value ?? ''
  switch (key) {
    case 'source':
    case 'src':
      setting.Source = value
      return
    case 'target':
    case 'dst':
    case 'destination':
      setting.Target = target(value, fail)
      return
    case 'readonly':
    case 'ro':
      setting.ReadOnly = flag(context)
      return
    case 'bind-propagation':
      if (!PROPAGATIONS.has(value)) throw fail(`invalid propagation: ${value}`)
      setting.Propagation = value as NonNullable<MountSetting['Propagation']>
      return
    case 'bind-nonrecursive':
      setting.NonRecursive = flag(context)
      return
    case 'bind-create-mountpoint':
    case 'bind-create-src':
      setting.CreateMountpoint = flag(context)
      return
    case 'bind-recursive':
      applyRecursion(setting, context)
      return
    case 'tmpfs-size':
      setting.TmpfsSizeBytes = size(value, fail)
      return
    case 'tmpfs-mode':
      if (!/^[0-7]{1,5}$/.test(value)) throw fail(`invalid value for ${key}: ${value}`)
      setting.TmpfsMode = Number.parseInt(value, 8)
      return
    case 'consistency':
      return
    case 'volume-nocopy':
      setting.NoCopy = flag(context)
      return
    case 'volume-label':
      setting.VolumeLabels = { ...setting.VolumeLabels, ...pair(value) }
      return
    case 'volume-driver':
      setting.VolumeDriver = value
      return
    case 'volume-opt':
      setting.VolumeOptions = { ...setting.VolumeOptions, ...pair(value) }
      return
    case 'volume-subpath':
      throw fail('a part of a volume cannot be mounted: mount the whole volume')
    default:
      throw fail(`unexpected key '${key}' in '${key}${context.value === undefined ? '' : `=${value}`}'`)
  }
}

/** `KEY=VALUE`; a key alone has an empty value. */
function pair(text: string): Record<string, string> {
  const equals = text.indexOf('=')
  return equals === -1 ? { [text]: '' } : { [text.slice(0, equals)]: text.slice(equals + 1) }
}

function applyRecursion(setting: MountSetting, { key, value, fail }: KeyContext): void {
  if (value === 'enabled') return
  if (value === 'disabled') setting.NonRecursive = true
  else if (value === 'writable') setting.ReadOnlyNonRecursive = true
  else if (value === 'readonly') setting.ReadOnlyNonRecursive = false
  else throw fail(`invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`)
}

function flag({ key, value, fail }: KeyContext): boolean {
  if (value === undefined || value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw fail(`invalid value for ${key}: ${value}`)
}

function size(text: string, fail: (reason: string) => Error): number {
  const match = /^(\d+(?:\.\d+)?)([kmgt])?i?b?$/i.exec(text)
  if (match === null) throw fail(`invalid value for tmpfs-size: ${text}`)
  return Math.floor(Number(match[1]) * 1024 ** ' kmgt'.indexOf((match[2] ?? ' ').toLowerCase()))
}

/** One line of CSV: a field in double quotes may hold commas, `""` is a quote. */
function splitFields(text: string): string[] {
  const fields: string[] = []
  const pattern = /"((?:[^"]|"")*)"(?:,|$)|([^,]*)(?:,|$)/y
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    if (match === null) break
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
  }
  return fields
}

const TMPFS_OPTIONS =
  /^(?:(?:size|mode|uid|gid|nr_inodes|nr_blocks|mpol|huge)=[\w%:,.-]+|rw|ro|noexec|exec|nosuid|suid|nodev|dev|noatime|atime|nodiratime|relatime|strictatime|sync|dirsync|r?private|r?slave|r?shared)$/

/** `/path[:options]`. @returns target and option text */
export function parseTmpfsFlag(text: string): readonly [target: string, options: string] {
  const colon = text.indexOf(':')
  const options = colon === -1 ? '' : text.slice(colon + 1)
  const fail = (reason: string) => new InvalidArgument(`invalid tmpfs option in '${text}'${reason}`)
  for (const option of options === '' ? [] : options.split(','))
    if (!TMPFS_OPTIONS.test(option)) throw fail(`: ${JSON.stringify(option)}`)
  return [target(colon === -1 ? text : text.slice(0, colon), fail), options]
}
