/** `--filter` of `container prune`: `until=TIME`, `label=KEY[=VALUE]`, `label!=KEY[=VALUE]`. */
import { hasLabel, parseFilters, type Test } from '../util/filters.ts'
import { parseMoment } from '../util/moment.ts'
import type { ContainerRecord } from './records.ts'

type Matches = Test<Pick<ContainerRecord, 'createdAtMs' | 'settings'>>

/** @throws {InvalidArgument} in docker's words */
export function parsePruneFilters(filters: readonly string[], nowMs = Date.now()): Matches {
  return parseFilters(filters, {
    until: (value) => {
      const untilMs = parseMoment(value, 'until', nowMs)
      return ({ createdAtMs }) => createdAtMs < untilMs
    },
    label: (value) => (record) => hasLabel(record.settings.config.Labels, value),
    'label!': (value) => (record) => !hasLabel(record.settings.config.Labels, value),
  })
}
