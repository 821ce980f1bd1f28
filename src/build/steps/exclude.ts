/** `--exclude` of COPY and ADD. */
import type { Keep } from '../copy/tree.ts'
import { IgnoreMatcher } from '../ignore/matcher.ts'

/** @throws {IgnorePatternInvalid} */
export function excluder(patterns: readonly string[]): Keep {
  if (patterns.length === 0) return () => false
  const matcher = new IgnoreMatcher(patterns)
  return (relative) => matcher.ignores(Buffer.from(relative, 'latin1').toString())
}
