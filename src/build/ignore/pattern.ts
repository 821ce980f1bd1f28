/** One pattern of an ignore file. `*` and `?` stop at slashes, `**` does not; classes and escapes are those of Go. */
import { IgnorePatternInvalid } from './errors.ts'
import { matchSteps } from './match-steps.ts'
import { parseSteps } from './steps.ts'

export type Matches = (path: string) => boolean

/** Steps a regular expression may take for one path, at worst. */
const MAX_COST = 2 ** 24

/**
 * A test for whole paths, relative and clean.
 *
 * @throws {IgnorePatternInvalid} a class that is not closed, an escape of nothing
 */
export function compilePattern(pattern: string): Matches {
  const suffix = pattern.startsWith('**') ? pattern.slice(2) : undefined
  // `**name` is any path that ends so, not only names of whole components.
  if (suffix !== undefined && !/[*?[\]\\]/.test(suffix))
    return (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1))
  if (!/[*?[\]\\]/.test(pattern)) return (path) => path === pattern
  const steps = parseSteps(pattern)
  if (steps === undefined) throw new IgnorePatternInvalid(pattern, 'a class or an escape is malformed')
  const expression = new RegExp(`^${steps.map(({ source }) => source).join('')}$`, 'u')
  const wildcards = steps.filter(({ kind }) => kind !== 'one').length
  // A regular expression tries all ways one after the other, which many wildcards make very many.
  return (path) => (path.length ** wildcards <= MAX_COST ? expression.test(path) : matchSteps(steps, path))
}
