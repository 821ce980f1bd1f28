/** A launch plan as text, a line per step: for `--debug-plan` and for tests that read it without root. */
import { createHash } from 'node:crypto'
import type { ChildStep, HostStep, LaunchPlan } from './plan.ts'

type FieldOf<Step> = Step extends unknown ? Exclude<keyof Step, 'do'> : never
type Field = FieldOf<HostStep | ChildStep>

/** In the order they are printed: a step's text does not depend on how its object was made. */
const FIELDS = {
  kind: 0,
  kinds: 1,
  type: 2,
  source: 3,
  at: 4,
  target: 5,
  path: 6,
  file: 7,
  argv: 8,
  env: 9,
  name: 10,
  key: 11,
  value: 12,
  text: 13,
  to: 14,
  lower: 15,
  upper: 16,
  work: 17,
  flags: 18,
  recursiveFlags: 19,
  set: 20,
  clear: 21,
  data: 22,
  options: 23,
  propagation: 24,
  recursive: 25,
  resource: 26,
  soft: 27,
  hard: 28,
  major: 29,
  minor: 30,
  mode: 31,
  uid: 32,
  gid: 33,
  groups: 34,
  umask: 35,
  uids: 36,
  gids: 37,
  helpers: 38,
  bindFrom: 39,
  bounding: 40,
  effective: 41,
  permitted: 42,
  inheritable: 43,
  ambient: 44,
  persona: 45,
  terminal: 46,
  program: 47,
  create: 48,
  remove: 49,
  optional: 50,
} as const satisfies Record<Field, number>

const OCTAL: ReadonlySet<string> = new Set<Field>(['mode', 'umask'])

/** The same plan always gives the same text; no step takes more than a line, whatever its strings hold. */
export function formatPlan(plan: LaunchPlan): string {
  const part = (name: string, steps: readonly (HostStep | ChildStep)[]) =>
    steps.map((step) => `${name} ${formatStep(step)}\n`)
  return [
    `clone ${plan.namespaces.length === 0 ? 'nothing' : plan.namespaces.join(' ')}\n`,
    ...part('before', plan.before),
    ...part('after', plan.after),
    ...part('child', plan.child),
  ].join('')
}

function formatStep(step: HostStep | ChildStep): string {
  const { do: name, ...fields } = step
  const words = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== false)
    .toSorted(([left], [right]) => FIELDS[left as Field] - FIELDS[right as Field])
    .map(([field, value]) => (value === true ? field : `${field}=${formatValue(field, value)}`))
  return [name, ...words].join(' ')
}

function formatValue(field: string, value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'bigint') return `0x${value.toString(16)}`
  if (typeof value === 'number') return OCTAL.has(field) ? `0${value.toString(8)}` : String(value)
  if (value instanceof Uint8Array) return digest(value)
  if (Array.isArray(value)) return `[${value.map((item) => formatItem(field, item)).join(' ')}]`
  throw new TypeError(`a plan holds no ${typeof value}`)
}

function formatItem(field: string, item: unknown): string {
  if (typeof item !== 'object' || item === null) return formatValue(field, item)
  return Object.values(item).join(':') // an id range: inside, outside, size
}

/** As it is where nothing in it could be taken for the end of a word. */
function quoted(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : JSON.stringify(text)
}

/** Programs are too long to read, but must not change unnoticed. */
function digest(bytes: Uint8Array): string {
  return `<${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}>`
}
