/** Permissions as words, `read=/data`: what images and plugins ask for, and what users grant. */

export interface PermissionWord {
  readonly kind: string
  /** Empty: everything of its kind. */
  readonly value: string
}

export function splitPermission(word: string): PermissionWord {
  const equals = word.indexOf('=')
  return equals === -1 ? { kind: word, value: '' } : { kind: word.slice(0, equals), value: word.slice(equals + 1) }
}

/** What whoever has it may do with the host, for questions at the terminal; undefined for other kinds. */
export function describeAccess({ kind, value }: PermissionWord): string | undefined {
  const where = value === '' ? 'all files that you may' : value
  if (kind === 'read') return `read ${where}`
  if (kind === 'write') return `write, make and remove ${where}`
  if (kind === 'env') return value === '' ? 'see your whole environment' : `see the environment variable ${value}`
  if (kind === 'net') return value === '' ? 'use the network, as client and server' : `reach ${value} over the network`
  return undefined
}
