/** What can go wrong with processes beside a container's own. */
import { CoracleError, type CoracleErrorOptions } from '../../errors.ts'

/** It ran a moment ago. */
export class ContainerEnded extends CoracleError {
  override readonly code = 'CONTAINER_ENDED'
  override readonly status = 409
  constructor(id: string, options?: CoracleErrorOptions) {
    super(`container ${id.slice(0, 12)} is not running: it has just ended`, options)
  }
}

/** An attach to what is not there to be attached to; docker's words. */
export class CannotAttach extends CoracleError {
  override readonly code = 'CANNOT_ATTACH'
  override readonly status = 409
}

/** The process could not be started; docker says 126 of whatever is not a missing program. */
export class ExecFailed extends CoracleError {
  override readonly code: string
  override readonly exitCode: number
  override readonly status: number
  constructor(cause: CoracleError) {
    super(`exec failed: ${cause.message.replace(/^cannot start the container: (?:step \d+, )?/, '')}`, {
      cause,
      hint: cause.hint,
    })
    this.code = cause.code
    this.status = cause.status
    this.exitCode = cause.exitCode === 127 ? 127 : 126
  }
}

/** The program for `ps` options is missing on this host. */
export class PsMissing extends CoracleError {
  override readonly code = 'PS_MISSING'
  override readonly status = 501
  constructor(options?: CoracleErrorOptions) {
    super('this host has no ps, which top needs for ps options', {
      hint: 'install procps, or leave the options out',
      ...options,
    })
  }
}

/** `ps` did not take the options. */
export class PsFailed extends CoracleError {
  override readonly code = 'PS_FAILED'
  override readonly status = 400
}

/** The supervisor drops whoever is a megabyte behind, so that nobody waits for a reader that stopped. */
export class OutputLost extends CoracleError {
  override readonly code = 'OUTPUT_LOST'
  constructor(name: string) {
    super('the output came faster than it was read: the connection is closed, the container goes on', {
      hint: `see coracle logs ${name}`,
    })
  }
}

/** There is nothing to be beside of. */
export class DebugImpossible extends CoracleError {
  override readonly code = 'DEBUG_IMPOSSIBLE'
  override readonly status = 409
}

/** The container knows no such user or group. */
export class UserUnknown extends CoracleError {
  override readonly code = 'USER_UNKNOWN'
  override readonly exitCode = 126
  override readonly status = 400
}
