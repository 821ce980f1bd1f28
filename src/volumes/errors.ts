/** What can go wrong with volumes, in docker's words. */
import { CoracleError } from '../errors.ts'

export class VolumeNotFound extends CoracleError {
  override readonly code = 'VOLUME_NOT_FOUND'
  override readonly status = 404
  constructor(name: string) {
    super(`get ${name}: no such volume`, { hint: 'see coracle volume ls' })
  }
}

export class VolumeInUse extends CoracleError {
  override readonly code = 'VOLUME_IN_USE'
  override readonly status = 409
  constructor(name: string, containers: readonly string[]) {
    super(`remove ${name}: volume is in use - [${containers.join(', ')}]`, {
      hint: 'remove these containers first: coracle rm',
    })
  }
}

/** It is there, with other options than those asked for. */
export class VolumeConflict extends CoracleError {
  override readonly code = 'VOLUME_CONFLICT'
  override readonly status = 409
  constructor(name: string) {
    super(`create ${name}: a volume of this name exists with other options`, {
      hint: `see coracle volume inspect ${name}`,
    })
  }
}
