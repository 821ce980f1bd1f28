/** `-v` as docker reads it: a bind, a named volume or an anonymous one. */
import { resolve } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import { checkVolumeName } from '../names.ts'
import type { MountSetting } from '../types.ts'
import { parseIdMap } from './id-map.ts'
import { type Fail, isPropagation, mountTarget } from './target.ts'

/** `/host:/path[:options]`, `./relative:/path`, `NAME:/path`, or `/path` alone (an anonymous volume). */
export function parseVolumeFlag(text: string, cwd: string = process.cwd()): MountSetting {
  const parts = text.split(':')
  const fail: Fail = (reason) => new InvalidArgument(`invalid volume specification: '${text}': ${reason}`)
  if (parts.length > 3 || parts.some((part) => part === '')) throw fail('empty section between colons')
  if (text.includes('\0')) throw fail('a path holds no NUL')
  const [first = '', second, modes = ''] = parts
  if (second === undefined) return { Type: 'volume', Source: '', Target: mountTarget(first, fail), ReadOnly: false }
  const named = !/^[/.~]/.test(first)
  if (named) checkVolumeName(first)
  const setting: MountSetting = {
    Type: named ? 'volume' : 'bind',
    Source: named ? first : resolve(cwd, first),
    Target: mountTarget(second, fail),
    ReadOnly: false,
    CreateMountpoint: true,
  }
  return modes === '' ? setting : { ...setting, ...readModes(modes, { named, fail }) }
}

/** Of each kind one at most. SELinux labels and the hints of Docker Desktop are accepted and do nothing here. */
const KINDS: readonly ReadonlySet<string>[] = [
  new Set(['ro', 'rw']),
  new Set(['z', 'Z']),
  new Set(['cached', 'delegated', 'consistent', 'default']),
  new Set(['nocopy']),
  new Set(['O']),
]

function readModes(
  text: string,
  { named, fail }: { readonly named: boolean; readonly fail: Fail },
): Partial<MountSetting> {
  const words = text.split(',')
  const kinds = words.map(kindOf)
  if (kinds.includes(-1) || new Set(kinds).size < kinds.length) throw fail(`invalid mode: ${text}`)
  const idMap = words.find(isIdMap)
  if (words.includes('O') && (words.includes('ro') || idMap !== undefined))
    throw fail(`invalid mode: ${text}: O goes with neither ro nor idmap`)
  const propagation = words.find(isPropagation)
  if (named && propagation !== undefined)
    throw fail('invalid mount config for type "volume": field BindOptions must not be specified')
  if (!named && words.includes('nocopy')) throw fail(`invalid mode: ${text}`)
  return {
    ReadOnly: words.includes('ro'),
    ...(words.includes('nocopy') && { NoCopy: true }),
    ...(propagation !== undefined && { Propagation: propagation }),
    ...(words.includes('O') && { Overlay: true }),
    ...(idMap !== undefined && { IdMap: parseIdMap(idMap.slice('idmap='.length), fail) }),
  }
}

function kindOf(word: string): number | string {
  if (isPropagation(word)) return 'propagation'
  if (isIdMap(word)) return 'idmap'
  return KINDS.findIndex((kind) => kind.has(word))
}

function isIdMap(word: string): boolean {
  return word === 'idmap' || word.startsWith('idmap=')
}
