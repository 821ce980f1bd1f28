/** What can go wrong with a container's files, in docker's words. */
import { CoracleError, type CoracleErrorOptions } from '../../errors.ts'

export class FileNotFound extends CoracleError {
  override readonly code = 'CONTAINER_FILE_NOT_FOUND'
  override readonly status = 404
  constructor(path: string, container: string) {
    super(`Could not find the file ${path} in container ${container}`)
  }
}

/** Source and destination do not go together. */
export class CopyImpossible extends CoracleError {
  override readonly code = 'COPY_IMPOSSIBLE'
  override readonly status = 400
}

export class TargetReadOnly extends CoracleError {
  override readonly code = 'CONTAINER_FILES_READ_ONLY'
  override readonly status = 403
  constructor(what: 'container rootfs' | 'mounted volume') {
    super(`${what} is marked read-only`)
  }
}

/** The container has no files of its own, or none that can be got at. */
export class FilesUnsupported extends CoracleError {
  override readonly code = 'CONTAINER_FILES_UNSUPPORTED'
  override readonly status = 400
  constructor(message: string, options?: CoracleErrorOptions) {
    super(message, options)
  }
}
