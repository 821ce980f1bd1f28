/** docker's `--filter key=value`, as all lists and all prunes take it. */
import { InvalidArgument } from '../errors.ts'
import { parseBool } from './truth.ts'

export type Test<Item> = (item: Item) => boolean

/**
 * One filter of a list.
 *
 * @param known - keys, for the error
 * @throws {InvalidArgument} in docker's words
 */
export function splitFilter<Key extends string>(
  filter: string,
  known: readonly Key[],
): { readonly key: Key; readonly value: string } {
  const equals = filter.indexOf('=')
  const typed = filter.slice(0, Math.max(0, equals)).trim().toLowerCase()
  if (!/^\S+$/.test(typed))
    throw new InvalidArgument(
      `invalid argument "${filter}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
    )
  const key = known.find((one) => one === typed)
  if (key === undefined) throw new InvalidArgument(`invalid filter '${typed}'`, { hint: `known: ${known.join(', ')}` })
  return { key, value: filter.slice(equals + 1).trim() }
}

/** Values of one key are alternatives, different keys must all hold; labels must all. */
export function combineTests<Item>(tests: readonly { readonly key: string; readonly test: Test<Item> }[]): Test<Item> {
  const byKey = Map.groupBy(tests, ({ key }) => key)
  return (item) =>
    [...byKey].every(([key, each]) =>
      key.startsWith('label') ? each.every(({ test }) => test(item)) : each.some(({ test }) => test(item)),
    )
}

/** @throws {InvalidArgument} */
export function parseFilters<Item>(
  filters: readonly string[],
  makers: Readonly<Record<string, (value: string) => Test<Item>>>,
): Test<Item> {
  const known = Object.keys(makers)
  return combineTests(
    filters.map((filter) => {
      const { key, value } = splitFilter(filter, known)
      return { key, test: makers[key]?.(value) ?? (() => false) }
    }),
  )
}

/** `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  const key = equals === -1 ? wanted : wanted.slice(0, equals)
  return Object.hasOwn(labels, key) && (equals === -1 || labels[key] === wanted.slice(equals + 1))
}

/** Go's words for true and false. @throws {InvalidArgument} */
export function parseTruth(key: string, value: string): boolean {
  const truth = parseBool(value)
  if (truth !== undefined) return truth
  throw new InvalidArgument(`invalid filter '${key}=${value}'`)
}

interface Labelled {
  readonly labels: Readonly<Record<string, string>>
}

/** `label` and `label!`, as lists and prunes of volumes and networks take them. */
export const LABEL_FILTERS: Readonly<Record<'label' | 'label!', (value: string) => Test<Labelled>>> = {
  label:
    (value) =>
    ({ labels }) =>
      hasLabel(labels, value),
  'label!':
    (value) =>
    ({ labels }) =>
      !hasLabel(labels, value),
}
