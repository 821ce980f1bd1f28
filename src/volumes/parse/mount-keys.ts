/** The keys of `--mount`, each with what it does to the setting. */
import type { MountSetting } from '../types.ts'
import { parseIdMap } from './id-map.ts'
import { type Fail, isPropagation, mountTarget } from './target.ts'

/** One `key=value`, or a key alone, whose value is undefined. */
export interface Field {
  readonly key: string
  readonly value: string | undefined
  readonly fail: Fail
}

type Apply = (field: Field & { readonly text: string }) => Partial<MountSetting>

const source: Apply = ({ text }) => ({ Source: text })
const target: Apply = ({ text, fail }) => ({ Target: mountTarget(text, fail) })
const readOnly: Apply = (field) => ({ ReadOnly: flag(field) })

const KEYS: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['source', source],
  ['src', source],
  ['target', target],
  ['dst', target],
  ['destination', target],
  ['readonly', readOnly],
  ['ro', readOnly],
  ['bind-propagation', ({ text, fail }) => ({ Propagation: propagation(text, fail) })],
  ['bind-nonrecursive', (field) => ({ NonRecursive: flag(field) })],
  ['bind-recursive', recursion],
  ['bind-create-mountpoint', (field) => ({ CreateMountpoint: flag(field) })],
  ['bind-create-src', (field) => ({ CreateMountpoint: flag(field) })],
  ['tmpfs-size', ({ text, fail }) => ({ TmpfsSizeBytes: size(text, fail) })],
  ['tmpfs-mode', (field) => ({ TmpfsMode: mode(field) })],
  ['consistency', () => ({})],
  ['volume-nocopy', (field) => ({ NoCopy: flag(field) })],
  ['volume-driver', ({ text }) => ({ VolumeDriver: text })],
  ['volume-subpath', ({ text, fail }) => ({ Subpath: subpath(text, fail) })],
  ['idmap', ({ value, fail }) => ({ IdMap: parseIdMap(value ?? '', fail) })],
])

/** Keys that may come several times, each adding an entry. */
const MAPS = { 'volume-label': 'VolumeLabels', 'volume-opt': 'VolumeOptions' } as const

/** @throws what `fail` makes, of a key that is none or a value that is none for it */
export function applyKey(setting: MountSetting, field: Field): MountSetting {
  const { key, value, fail } = field
  const text = value ?? ''
  if (key === 'volume-label' || key === 'volume-opt') {
    const name = MAPS[key]
    return { ...setting, [name]: { ...setting[name], ...pair(text) } }
  }
  const apply = KEYS.get(key)
  if (apply === undefined) throw fail(`unexpected key '${key}' in '${key}${value === undefined ? '' : `=${value}`}'`)
  return { ...setting, ...apply({ ...field, text }) }
}

/** `KEY=VALUE`; a key alone has an empty value. */
function pair(text: string): Record<string, string> {
  const equals = text.indexOf('=')
  return equals === -1 ? { [text]: '' } : { [text.slice(0, equals)]: text.slice(equals + 1) }
}

function propagation(text: string, fail: Fail): NonNullable<MountSetting['Propagation']> {
  if (!isPropagation(text)) throw fail(`invalid propagation: ${text}`)
  return text
}

function subpath(text: string, fail: Fail): string {
  const parts = text.split('/')
  if (text === '' || text.startsWith('/') || parts.includes('..'))
    throw fail('subpath must be a relative path within the volume')
  return text
}

function recursion({ key, value, fail }: Field): Partial<MountSetting> {
  if (value === 'enabled') return {}
  if (value === 'disabled') return { NonRecursive: true }
  if (value === 'writable') return { ReadOnlyNonRecursive: true }
  if (value === 'readonly') return { ReadOnlyNonRecursive: false }
  throw fail(`invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`)
}

function flag({ key, value, fail }: Field): boolean {
  if (value === undefined || value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw fail(`invalid value for ${key}: ${value}`)
}

function size(text: string, fail: Fail): number {
  const match = /^(\d+(?:\.\d+)?)([kmgt])?i?b?$/i.exec(text)
  const bytes = Math.floor(Number(match?.[1]) * 1024 ** ' kmgt'.indexOf((match?.[2] ?? ' ').toLowerCase()))
  if (match === null || !Number.isSafeInteger(bytes)) throw fail(`invalid value for tmpfs-size: ${text}`)
  return bytes
}

function mode({ key, value = '', fail }: Field): number {
  if (!/^[0-7]{1,5}$/.test(value)) throw fail(`invalid value for ${key}: ${value}`)
  return Number.parseInt(value, 8)
}
