/** `--filter` of `container prune`: `until=TIME`, `label=KEY[=VALUE]`, `label!=KEY[=VALUE]`. */
import { InvalidArgument } from '../errors.ts'
import { parseMoment } from '../util/moment.ts'
import type { ContainerRecord } from './records.ts'

type Matches = (record: Pick<ContainerRecord, 'createdAtMs' | 'settings'>) => boolean

/** @throws {InvalidArgument} in docker's words */
export function parsePruneFilters(filters: readonly string[], nowMs = Date.now()): Matches {
  const tests = filters.map((filter) => parseFilter(filter, nowMs))
  return (record) => tests.every((test) => test(record))
}

function parseFilter(filter: string, nowMs: number): Matches {
  const match = /^([a-z]+!?)=(.*)$/s.exec(filter)
  if (match === null)
    throw new InvalidArgument(`invalid argument "${filter}" for "--filter" flag: bad format of filter`)
  const [, name = '', value = ''] = match
  if (name === 'until') {
    const untilMs = parseMoment(value, 'until', nowMs)
    return ({ createdAtMs }) => createdAtMs < untilMs
  }
  if (name === 'label') return (record) => hasLabel(record, value)
  if (name === 'label!') return (record) => !hasLabel(record, value)
  throw new InvalidArgument(`invalid filter '${name}'`)
}

function hasLabel({ settings }: Pick<ContainerRecord, 'settings'>, wanted: string): boolean {
  const labels = settings.config.Labels
  const equals = wanted.indexOf('=')
  if (equals < 0) return Object.hasOwn(labels, wanted)
  const key = wanted.slice(0, equals)
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(equals + 1)
}
