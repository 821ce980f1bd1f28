/** The keys of `--mount`, before anybody knows its type. */

import { parseSize } from '../../containers/parse/values.ts'
import { InvalidArgument } from '../../errors.ts'
import { closest } from '../../ui/closest.ts'
import { parseBool } from '../../util/truth.ts'
import { DockerfileInvalid } from './errors.ts'
import type { CacheMount, Mount } from './mount.ts'

type Type = Mount['type']
type Sharing = CacheMount['sharing']

/** All that keys may say; which of it is allowed depends on the type. */
export interface Draft {
  type: Type
  from?: string
  source?: string
  target?: string
  id?: string
  env?: string
  sharing?: Sharing
  readOnly?: boolean
  required?: boolean
  sizeBytes?: number
  mode?: number
  uid?: number
  gid?: number
}

const TYPES: readonly Type[] = ['bind', 'cache', 'tmpfs', 'secret', 'ssh']
const SHARINGS: readonly Sharing[] = ['shared', 'private', 'locked']

/** Which types know a key; all where none are named. */
export const ONLY: Partial<Record<keyof Draft, readonly Type[]>> = {
  sizeBytes: ['tmpfs'],
  required: ['secret', 'ssh'],
  mode: ['cache', 'secret', 'ssh'],
  uid: ['cache', 'secret', 'ssh'],
  gid: ['cache', 'secret', 'ssh'],
  sharing: ['cache'],
}

type Apply = (draft: Draft, value: string) => void

const text =
  (name: 'from' | 'source' | 'target' | 'id' | 'env'): Apply =>
  (draft, value) => {
    draft[name] = value
  }
const truth =
  (name: 'readOnly' | 'required', meaning = true): Apply =>
  (draft, value) => {
    draft[name] = parseTruth(value) === meaning
  }
const number =
  (name: 'mode' | 'uid' | 'gid', radix: 8 | 10): Apply =>
  (draft, value) => {
    draft[name] = parseNumber(name, { value, radix })
  }

const KEYS: Readonly<Record<string, Apply>> = {
  type: (draft, value) => {
    draft.type = oneOf(TYPES, { value, name: 'mount type' })
  },
  sharing: (draft, value) => {
    draft.sharing = oneOf(SHARINGS, { value, name: 'sharing value' })
  },
  size: (draft, value) => {
    draft.sizeBytes = parseBytes(value)
  },
  from: text('from'),
  source: text('source'),
  src: text('source'),
  target: text('target'),
  dst: text('target'),
  destination: text('target'),
  id: text('id'),
  env: text('env'),
  readonly: truth('readOnly'),
  ro: truth('readOnly'),
  readwrite: truth('readOnly', false),
  rw: truth('readOnly', false),
  required: truth('required'),
  mode: number('mode', 8),
  uid: number('uid', 10),
  gid: number('gid', 10),
}
/** May stand without a value. */
const SWITCHES: readonly string[] = ['readonly', 'ro', 'readwrite', 'rw', 'required']

/**
 * Puts one field into the draft.
 *
 * @param value - undefined for a key that stands alone
 * @throws {DockerfileInvalid} unknown key (with the near one), or a value that its key does not take
 */
export function applyField(draft: Draft, field: string, value: string | undefined): void {
  const key = field.toLowerCase()
  const apply = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined
  if (apply === undefined) throw unknownKey(field)
  if (value === undefined && !SWITCHES.includes(key))
    throw new DockerfileInvalid(`invalid field '${field.slice(0, 80)}' must be a key=value pair`, { near: field })
  apply(draft, value ?? 'true')
}

function unknownKey(field: string): DockerfileInvalid {
  const near = closest(field.toLowerCase().slice(0, 40), Object.keys(KEYS))
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
  return new DockerfileInvalid(`unexpected key '${field.slice(0, 80)}'${suggestion}`, { near: field })
}

function parseTruth(value: string): boolean {
  const truth = parseBool(value)
  if (truth === undefined) throw invalid(value)
  return truth
}

function parseNumber(name: string, { value, radix }: { readonly value: string; readonly radix: 8 | 10 }): number {
  const digits = radix === 8 ? /^[0-7]{1,11}$/ : /^\d{1,10}$/
  const number = digits.test(value) ? Number.parseInt(value, radix) : Number.NaN
  if (number <= 0xff_ff_ff_ff) return number
  throw new DockerfileInvalid(`invalid value ${value.slice(0, 80)} for ${name}`, { near: value })
}

function parseBytes(value: string): number {
  try {
    return parseSize(value, 'mount')
  } catch (error) {
    if (error instanceof InvalidArgument) throw invalid(value, { cause: error })
    throw error
  }
}

function invalid(value: string, options: ErrorOptions = {}): DockerfileInvalid {
  return new DockerfileInvalid(`invalid value ${JSON.stringify(value.slice(0, 80))} in a mount`, {
    near: value,
    ...options,
  })
}

function oneOf<Word extends string>(
  words: readonly Word[],
  { value, name }: { readonly value: string; readonly name: string },
): Word {
  const typed = value.toLowerCase()
  const found = words.find((word) => word === typed)
  if (found !== undefined) return found
  const near = closest(typed.slice(0, 40), words)
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
  throw new DockerfileInvalid(`unsupported ${name} ${JSON.stringify(value.slice(0, 80))}${suggestion}`, { near: value })
}
