/** docker's `--filter key=value` of `network ls` and `network prune`. */
import { InvalidArgument } from '../errors.ts'
import { LABEL_FILTERS, parseFilters, parseTruth, type Test } from '../util/filters.ts'
import { parseMoment } from '../util/moment.ts'
import { PREDEFINED } from './predefined.ts'
import type { NetworkSummary } from './types.ts'

type Matches = Test<NetworkSummary>

/** Names that no network has are wanted as well: `dangling` is about who uses it. */
export interface FilterContext {
  readonly isUsed: (network: NetworkSummary) => boolean
}

/** Values of one key are alternatives, different keys must all hold; labels must all. @throws {InvalidArgument} */
export function parseNetworkFilters(filters: readonly string[], { isUsed }: FilterContext): Matches {
  return parseFilters<NetworkSummary>(filters, {
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
    label: LABEL_FILTERS.label,
    dangling: (value) => {
      const wanted = parseTruth('dangling', value)
      return (network) => (!PREDEFINED.includes(network.name) && !isUsed(network)) === wanted
    },
  })
}

/** @throws {InvalidArgument} */
export function parsePruneFilters(filters: readonly string[], nowMs = Date.now()): Matches {
  return parseFilters<NetworkSummary>(filters, {
    until: (value) => {
      const untilMs = parseMoment(value, 'until', nowMs)
      return ({ createdAtMs }) => createdAtMs < untilMs
    },
    ...LABEL_FILTERS,
  })
}
