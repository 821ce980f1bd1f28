/** A data root that cannot be had, in words: which directory, and why. */
import { CoracleError } from '../errors.ts'
import { makeDirectories } from '../util/make-directories.ts'

export class DataRootUnusable extends CoracleError {
  override readonly code = 'DATA_ROOT_UNUSABLE'
  constructor(root: string, reason: string, options?: ErrorOptions) {
    const hint = 'make it writable for this user, or point CORACLE_ROOT at a directory that is'
    super(`the data root ${root} cannot be used: ${reason}`, { ...options, hint })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'it cannot be changed',
  EROFS: 'its file system is read-only',
  EEXIST: 'it is no directory',
  ENOTDIR: 'it is below what is no directory',
  ENOENT: 'nothing can be made there',
}

/** @throws {DataRootUnusable} it is not there, and cannot be made */
export function makeDataRoot(root: string): void {
  try {
    makeDirectories(root, 0o711)
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? '']
    throw reason === undefined ? error : new DataRootUnusable(root, reason, { cause: error })
  }
}

/** Primary codes of sqlite3.h: PERM, READONLY, CANTOPEN. */
const REFUSED: ReadonlySet<number> = new Set([3, 8, 14])

/** What SQLite says of a directory in which it may not write. */
export function explainDataRoot(error: unknown, root: string): unknown {
  const { errcode } = (error ?? {}) as { readonly errcode?: number }
  if (errcode === undefined || !REFUSED.has(errcode & 0xff)) return error
  return new DataRootUnusable(root, 'its database cannot be written', { cause: error })
}
