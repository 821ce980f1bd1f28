/** The functions that templates may call: Go's built-in ones and docker's (cli/templates/templates.go). */
import { TemplateError } from '../errors.ts'
import { isTruthy, type PlainObject, printValue } from './values.ts'

export type TemplateFunction = (...values: readonly unknown[]) => unknown

const text = (value: unknown): string => printValue(value)

export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: (...values) => values.find((value) => !isTruthy(value)) ?? values.at(-1),
  or: (...values) => values.find(isTruthy) ?? values.at(-1),
  not: (value) => !isTruthy(value),
  eq: (first, ...rest) => rest.some((value) => compare(first, value) === 0),
  ne: (left, right) => compare(left, right) !== 0,
  lt: (left, right) => compare(left, right) < 0,
  le: (left, right) => compare(left, right) <= 0,
  gt: (left, right) => compare(left, right) > 0,
  ge: (left, right) => compare(left, right) >= 0,
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce(indexInto, value),
  slice: (value, from = 0, to = undefined) => sliceOf(value, from, to),
  print: (...values) => values.map(text).join(' '),
  println: (...values) => `${values.map(text).join(' ')}\n`,
  printf: (format, ...values) => printf(text(format), values),
  json: (value) => JSON.stringify(value ?? null),
  join: (list, separator = '') => asList(list, 'join').map(text).join(text(separator)),
  split: (value, separator) => text(value).split(text(separator)),
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  title: (value) => text(value).replace(/(?<=^|\s)\p{Ll}/gu, (letter) => letter.toUpperCase()),
  truncate: (value, length) => [...text(value)].slice(0, asCount(length)).join(''),
  pad: (value, before, after) =>
    text(value) === '' ? '' : `${' '.repeat(asCount(before))}${text(value)}${' '.repeat(asCount(after))}`,
}

/** Go compares only like with like. */
function compare(left: unknown, right: unknown): number {
  if ((left ?? null) === null || (right ?? null) === null) return (left ?? null) === (right ?? null) ? 0 : 1
  const comparable = typeof left === typeof right && ['number', 'string', 'boolean'].includes(typeof left)
  if (!comparable) throw new TemplateError('error calling eq: incompatible types for comparison')
  if (left === right) return 0
  return (left as string) < (right as string) ? -1 : 1
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (typeof value === 'object' && value !== null) return Object.keys(value).length
  if (value === undefined || value === null) return 0
  throw new TemplateError(`error calling len: len of type ${typeof value}`)
}

function indexInto(value: unknown, key: unknown): unknown {
  if (Array.isArray(value) || typeof value === 'string') {
    const index = asCount(key)
    if (index >= value.length) throw new TemplateError(`error calling index: index out of range: ${index}`)
    return value[index]
  }
  if (typeof value === 'object' && value !== null)
    return Object.hasOwn(value, text(key)) ? (value as PlainObject)[text(key)] : ''
  throw new TemplateError('error calling index: index of untyped nil')
}

function sliceOf(value: unknown, from: unknown, to: unknown): unknown {
  if (typeof value !== 'string' && !Array.isArray(value))
    throw new TemplateError('error calling slice: not a list or string')
  const end = to === undefined ? value.length : asCount(to)
  if (end > value.length || asCount(from) > end)
    throw new TemplateError(`error calling slice: index out of range: ${end}`)
  return value.slice(asCount(from), end)
}

function asList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value === undefined || value === null) return []
  throw new TemplateError(`error calling ${name}: a list is expected, not ${typeof value}`)
}

/** An index or a width: whole, not negative, and nothing that would fill the memory with blanks. */
function asCount(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_536) return value
  throw new TemplateError(`a number from 0 to 65536 is expected, not ${text(value)}`)
}

const VERB = /%(?<flags>[-0]*)(?<width>\d{0,3})(?:\.(?<precision>\d{1,2}))?(?<verb>[%svdqxtf])/g

/** `%s %v %d %q %x %t %f %%`, with width, `-`, `0` and precision. */
function printf(format: string, values: readonly unknown[]): string {
  let next = 0
  let output = ''
  let end = 0
  for (const match of format.matchAll(VERB)) {
    const { flags = '', width = '', precision, verb = '' } = match.groups ?? {}
    output += format.slice(end, match.index)
    end = match.index + match[0].length
    if (verb === '%') output += '%'
    else {
      const shown = next < values.length ? formatVerb(verb, values[next++], precision) : `%!${verb}(MISSING)`
      output += flags.includes('-')
        ? shown.padEnd(Number(width))
        : shown.padStart(Number(width), flags.includes('0') ? '0' : ' ')
    }
  }
  return output + format.slice(end)
}

function formatVerb(verb: string, value: unknown, precision: string | undefined): string {
  if (verb === 'q') return JSON.stringify(text(value))
  if (verb === 'x') return typeof value === 'number' ? value.toString(16) : Buffer.from(text(value)).toString('hex')
  if (verb === 'f') return Number(value).toFixed(Number(precision ?? 6))
  const shown = text(value)
  return precision === undefined || verb !== 's' ? shown : [...shown].slice(0, Number(precision)).join('')
}
