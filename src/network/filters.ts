/** docker's `--filter key=value` of `network ls` and `network prune`. */
import { InvalidArgument } from '../errors.ts'
import { parseMoment } from '../util/moment.ts'
import { PREDEFINED } from './predefined.ts'
import type { NetworkSummary } from './types.ts'

type Test = (network: NetworkSummary) => boolean
type MakeTest = (value: string) => Test

/** Names that no network has are wanted as well: `dangling` is about who uses it. */
export interface FilterContext {
  readonly isUsed: (network: NetworkSummary) => boolean
}

/** Values of one key are alternatives, different keys must all hold; labels must all. @throws {InvalidArgument} */
export function parseNetworkFilters(filters: readonly string[], { isUsed }: FilterContext): Test {
  return combined(filters, {
    name:
      (value) =>
      ({ name }) =>
        name.includes(value),
    id:
      (value) =>
      ({ id }) =>
        id.startsWith(value),
    driver:
      (value) =>
      ({ driver }) =>
        driver === value,
    scope: (value) => () => value === 'local',
    type: (value) => {
      if (value !== 'custom' && value !== 'builtin') throw new InvalidArgument(`invalid filter: 'type'='${value}'`)
      return ({ name }) => PREDEFINED.includes(name) === (value === 'builtin')
    },
    label: (value) => (network) => hasLabel(network, value),
    dangling: (value) => {
      const wanted = ['true', '1'].includes(value)
      if (!wanted && !['false', '0'].includes(value)) throw new InvalidArgument(`invalid filter 'dangling=${value}'`)
      return (network) => (!PREDEFINED.includes(network.name) && !isUsed(network)) === wanted
    },
  })
}

/** @throws {InvalidArgument} */
export function parsePruneFilters(filters: readonly string[], nowMs = Date.now()): Test {
  return combined(filters, {
    until: (value) => {
      const untilMs = parseMoment(value, 'until', nowMs)
      return ({ createdAtMs }) => createdAtMs < untilMs
    },
    label: (value) => (network) => hasLabel(network, value),
    'label!': (value) => (network) => !hasLabel(network, value),
  })
}

function combined(filters: readonly string[], known: Readonly<Record<string, MakeTest>>): Test {
  const byKey = new Map<string, Test[]>()
  for (const filter of filters) {
    const match = /^([a-zA-Z]+!?)=(.*)$/s.exec(filter)
    if (match === null)
      throw new InvalidArgument(
        `invalid argument "${filter}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      )
    const key = (match[1] ?? '').toLowerCase()
    const make = Object.hasOwn(known, key) ? known[key] : undefined
    if (make === undefined)
      throw new InvalidArgument(`invalid filter '${key}'`, { hint: `known: ${Object.keys(known).join(', ')}` })
    byKey.set(key, [...(byKey.get(key) ?? []), make((match[2] ?? '').trim())])
  }
  return (network) =>
    [...byKey].every(([key, tests]) =>
      key.startsWith('label') ? tests.every((test) => test(network)) : tests.some((test) => test(network)),
    )
}

function hasLabel({ labels }: NetworkSummary, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  const key = equals === -1 ? wanted : wanted.slice(0, equals)
  return Object.hasOwn(labels, key) && (equals === -1 || labels[key] === wanted.slice(equals + 1))
}
