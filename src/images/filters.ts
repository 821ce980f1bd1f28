/** docker's `--filter key=value` of `images` and `image prune`. */
import { InvalidArgument } from '../errors.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import { parseTruth, splitFilter } from '../util/filters.ts'
import type { ImageFilters } from './types.ts'

const KEYS = ['dangling', 'label', 'label!', 'before', 'since', 'reference', 'until'] as const

/** @throws {InvalidArgument} a key that docker does not know, or a value that makes no sense */
export function parseImageFilters(filters: readonly string[]): ImageFilters {
  const list = { labels: [] as string[], labelsNot: [] as string[], references: [] as string[] }
  const single: { dangling?: boolean; before?: string; since?: string; until?: string } = {}
  for (const filter of filters) {
    const { key, value } = splitFilter(filter, KEYS)
    if (key === 'label') list.labels.push(value)
    else if (key === 'label!') list.labelsNot.push(value)
    else if (key === 'reference') list.references.push(value)
    else if (key === 'dangling') single.dangling = parseTruth(key, value)
    else single[key] = value
  }
  return { ...list, ...single }
}

/** Does a canonical reference match `busybox*:*`? As docker: against the familiar name, with and without its tag. */
export function referenceMatches(canonical: string, pattern: string): boolean {
  const reference = parseReference(canonical)
  const { registry, repository } = reference
  const names = [familiarName(reference), familiarName({ registry, repository })]
  const wanted = normalPattern(pattern)
  return names.some((name) => matchGlob(wanted, name))
}

/** A whole name without wildcards may be written in any of its forms. */
function normalPattern(pattern: string): string {
  if (/[*?[\\]/.test(pattern)) return pattern
  try {
    return familiarName(parseReference(pattern))
  } catch (error) {
    if (error instanceof InvalidArgument) return pattern // it matches nothing, which is the answer
    throw error
  }
}

/** Go's `path.Match`: `*` and `?` do not cross a slash. */
function matchGlob(pattern: string, name: string): boolean {
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? ''
    const end = character === '[' ? pattern.indexOf(']', at + 2) : -1
    if (character === '*') source += '[^/]*'
    else if (character === '?') source += '[^/]'
    else if (end !== -1) {
      source += `[${pattern
        .slice(at + 1, end)
        .replaceAll('\\', '\\\\')
        .replace(/\[/g, '\\[')}]`
      at = end
    } else source += character.replace(/[.+^${}()|[\]\\*?/]/g, '\\$&')
  }
  try {
    return new RegExp(`^${source}$`).test(name)
  } catch (error) {
    throw new InvalidArgument(`invalid pattern ${JSON.stringify(pattern)}`, { cause: error })
  }
}
