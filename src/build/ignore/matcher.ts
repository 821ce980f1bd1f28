/**
 * Which files patterns leave out, exactly as docker decides it (moby/patternmatcher), and in time that grows with the
 * length of path and pattern only.
 */
import { IgnorePatternInvalid } from './errors.ts'
import { cleanPath } from './ignore-file.ts'
import { compilePattern, type Matches } from './pattern.ts'

/** What the patterns say about a directory, for the paths in it. One element for each pattern. */
export type DirectoryState = readonly boolean[]

interface Pattern {
  readonly text: string
  readonly isException: boolean
  readonly matches: Matches
}

/** Decides about paths that are relative to the context, with slashes and without `.` and `..`. */
export class IgnoreMatcher {
  readonly #patterns: readonly Pattern[]

  /**
   * @param patterns - of `parseIgnoreFile`, or of `--exclude`
   * @throws {IgnorePatternInvalid}
   */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.flatMap((pattern) => parsePattern(pattern) ?? [])
  }

  /** Patterns take files back, so that an ignored directory may hold files that are not. */
  get hasExceptions(): boolean {
    return this.#patterns.some(({ isException }) => isException)
  }

  /** The patterns as they are matched. */
  get patterns(): readonly { readonly text: string; readonly isException: boolean }[] {
    return this.#patterns
  }

  /** Is this path left out, by itself or with a directory above it? */
  ignores(path: string): boolean {
    let state: DirectoryState | undefined
    let isIgnored = false
    for (let slash = path.indexOf('/'); ; slash = path.indexOf('/', slash + 1)) {
      const result = this.match(slash === -1 ? path : path.slice(0, slash), state)
      state = result.state
      isIgnored = result.isIgnored
      if (slash === -1) return isIgnored
    }
  }

  /**
   * The same for a walk that goes from directories into their entries.
   *
   * @param parent - `state` of the directory that holds it; undefined at the top
   */
  match(
    path: string,
    parent: DirectoryState | undefined,
  ): { readonly isIgnored: boolean; readonly state: DirectoryState } {
    let isIgnored = false
    const state = this.#patterns.map(({ isException, matches }, index) => {
      // A pattern that cannot change the answer is not looked at, and says nothing to what is below either.
      const isMatch = parent?.[index] === true || (isException === isIgnored && matches(path))
      if (isMatch) isIgnored = !isException
      return isMatch
    })
    return { isIgnored, state }
  }

  /**
   * Must a walk go into this ignored directory? Only where a pattern takes back something that may lie in it.
   *
   * @param directory - one that `match` calls ignored
   */
  mayHoldExceptions(directory: string): boolean {
    return this.#patterns.some(({ text, isException }) => isException && mayReach(directory, text))
  }
}

function parsePattern(pattern: string): Pattern | undefined {
  const trimmed = pattern.trim()
  if (trimmed === '') return undefined
  const clean = cleanPath(trimmed)
  const isException = clean.startsWith('!')
  const text = isException ? clean.slice(1) : clean
  if (text === '') throw new IgnorePatternInvalid(pattern, 'nothing follows the exclamation mark')
  return { text, isException, matches: compilePattern(text) }
}

/** Plain components must be the directory's; from the first that is none on, anything may come. */
function mayReach(directory: string, pattern: string): boolean {
  const wanted = pattern.split('/')
  for (const [index, name] of directory.split('/').entries()) {
    const component = wanted[index]
    if (component === undefined || /[*?[\]\\]/.test(component)) return true
    if (component !== name) return false
  }
  return true
}
