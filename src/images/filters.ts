/** docker's `--filter key=value` of `images` and `image prune`. */
import { InvalidArgument } from '../errors.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import type { ImageFilters } from './types.ts'

/** @throws {InvalidArgument} a key that docker does not know, or a value that makes no sense */
export function parseImageFilters(filters: readonly string[]): ImageFilters {
  const list = { labels: [] as string[], labelsNot: [] as string[], references: [] as string[] }
  const single: { dangling?: boolean; before?: string; since?: string; until?: string } = {}
  for (const filter of filters) {
    const at = filter.indexOf('=')
    if (at === -1)
      throw new InvalidArgument(`invalid argument "${filter}" for "-f, --filter" flag: bad format of filter`)
    const key = filter.slice(0, at).trim().toLowerCase()
    const value = filter.slice(at + 1).trim()
    if (key === 'label') list.labels.push(value)
    else if (key === 'label!') list.labelsNot.push(value)
    else if (key === 'reference') list.references.push(value)
    else if (key === 'dangling') single.dangling = parseBoolean(value)
    else if (key === 'before' || key === 'since' || key === 'until') single[key] = value
    else
      throw new InvalidArgument(`invalid filter '${key}'`, {
        hint: 'known: dangling, label, before, since, reference, until',
      })
  }
  return { ...list, ...single }
}

function parseBoolean(value: string): boolean {
  if (['1', 't', 'true', 'T', 'True', 'TRUE'].includes(value)) return true
  if (['0', 'f', 'false', 'F', 'False', 'FALSE'].includes(value)) return false
  throw new InvalidArgument(`invalid filter 'dangling=${value}'`)
}

/** `key` or `key=value`. */
export function labelMatches(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=')
  const key = at === -1 ? wanted : wanted.slice(0, at)
  return Object.hasOwn(labels, key) && (at === -1 || labels[key] === wanted.slice(at + 1))
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
