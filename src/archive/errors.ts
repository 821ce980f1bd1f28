/** What can go wrong with tar archives that users give or take. */
import { CoracleError, type CoracleErrorOptions } from '../errors.ts'

export class ArchiveUnwritten extends CoracleError {
  override readonly code = 'ARCHIVE_UNWRITTEN'
  constructor(reason: string, options?: CoracleErrorOptions) {
    super(`cannot write the archive: ${reason}`, options)
  }
}

/** It is no tar archive, or hostile. */
export class ArchiveInvalid extends CoracleError {
  override readonly code = 'ARCHIVE_INVALID'
  override readonly status = 400
  constructor(reason: string, options?: CoracleErrorOptions) {
    super(`Error processing tar file: ${reason}`, options)
  }
}
