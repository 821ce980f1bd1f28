/** `.dockerignore` and `<Dockerfile>.dockerignore`: from bytes to patterns. */
import { posix } from 'node:path'

/** Names to look for, the first that exists counts: one beside the Dockerfile wins over the one of the context. */
export function ignoreFileNames(
  dockerfile: string,
): readonly { readonly path: string; readonly of: 'dockerfile' | 'context' }[] {
  return [
    { path: `${dockerfile}.dockerignore`, of: 'dockerfile' },
    { path: '.dockerignore', of: 'context' },
  ]
}

/**
 * The patterns of an ignore file, in its order, cleaned: without comments, blanks around them, `.` and `..`, and the slash
 * at their beginning. A pattern that is taken back begins with `!`.
 */
export function parseIgnoreFile(bytes: Uint8Array): readonly string[] {
  const text = new TextDecoder('utf-8').decode(bytes)
  return text.split('\n').flatMap((line) => parseLine(line) ?? [])
}

function parseLine(line: string): string | undefined {
  if (line.startsWith('#')) return undefined
  const pattern = line.trim()
  if (pattern === '') return undefined
  return pattern.startsWith('!') ? `!${cleanPattern(pattern.slice(1).trim())}` : cleanPattern(pattern)
}

function cleanPattern(pattern: string): string {
  if (pattern === '') return ''
  const clean = cleanPath(pattern)
  return clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean
}

/** As Go's `path/filepath.Clean` does: no slash at the end, `.` for nothing. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}
