/** `--mount` as docker reads it: volumes, binds and tmpfs. */
import { resolve } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import { splitCsv } from '../../util/csv.ts'
import { checkVolumeName } from '../names.ts'
import type { MountSetting } from '../types.ts'
import { applyKey } from './mount-keys.ts'
import type { Fail } from './target.ts'

const TYPES: readonly string[] = ['volume', 'bind', 'tmpfs']
/** Settings that only one type has. */
const OWN: Readonly<Record<MountSetting['Type'], readonly (keyof MountSetting)[]>> = {
  volume: ['NoCopy', 'Subpath', 'VolumeLabels', 'VolumeDriver', 'VolumeOptions'],
  bind: ['Propagation', 'NonRecursive', 'ReadOnlyNonRecursive', 'CreateMountpoint'],
  tmpfs: ['TmpfsSizeBytes', 'TmpfsMode'],
}

/** `type=bind,source=/a,target=/b,readonly`, with the keys of docker. */
export function parseMountFlag(text: string, cwd: string = process.cwd()): MountSetting {
  const fail: Fail = (reason) =>
    new InvalidArgument(`invalid argument ${JSON.stringify(text)} for "--mount" flag: ${reason}`)
  if (text.includes('\0')) throw fail('a path holds no NUL')
  let setting: MountSetting = { Type: 'volume', Source: '', Target: '', ReadOnly: false }
  let type = 'volume'
  const fields = splitCsv(text)
  if (fields === undefined) throw fail('bare " in non-quoted field')
  for (const field of fields) {
    const equals = field.indexOf('=')
    const key = (equals === -1 ? field : field.slice(0, equals)).trim().toLowerCase()
    const value = equals === -1 ? undefined : field.slice(equals + 1)
    if (key === 'type') type = (value ?? '').toLowerCase()
    else setting = applyKey(setting, { key, value, fail })
  }
  if (!TYPES.includes(type))
    throw fail(`mount type ${JSON.stringify(type)} is not supported: use volume, bind or tmpfs`)
  return checked({ ...setting, Type: type as MountSetting['Type'] }, { fail, cwd })
}

function checked(setting: MountSetting, { fail, cwd }: { readonly fail: Fail; readonly cwd: string }): MountSetting {
  const { Type, Source, Target } = setting
  if (Target === '') throw fail('target is required')
  if (Type === 'bind' && Source === '') throw fail('source is required')
  if (Type === 'tmpfs' && Source !== '') throw fail('source is not allowed for a tmpfs')
  const foreign = Object.entries(OWN).find(
    ([type, keys]) => type !== Type && keys.some((key) => setting[key] !== undefined),
  )
  if (foreign !== undefined) throw fail(`cannot mix '${foreign[0]}-*' options with mount type '${Type}'`)
  checkRecursion(setting, fail)
  if (setting.Subpath !== undefined && Source === '') throw fail('must not set Subpath when using anonymous volumes')
  if (setting.IdMap !== undefined && Type === 'tmpfs') throw fail("cannot mix 'idmap' with mount type 'tmpfs'")
  if (Type === 'volume' && Source !== '') checkVolumeName(Source)
  return Type === 'bind' ? { ...setting, Source: resolve(cwd, Source) } : setting
}

function checkRecursion({ ReadOnly, ReadOnlyNonRecursive }: MountSetting, fail: Fail): void {
  if (ReadOnlyNonRecursive === undefined || ReadOnly) return
  const word = ReadOnlyNonRecursive ? 'writable' : 'readonly'
  throw fail(`option 'bind-recursive=${word}' requires 'readonly' to be specified in conjunction`)
}
