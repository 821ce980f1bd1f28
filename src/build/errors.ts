/** Why a build fails that its Dockerfile's grammar does not explain. Messages are BuildKit's where scripts may match them. */
import { CoracleError, type CoracleErrorOptions } from '../errors.ts'

/** A source of COPY or ADD that is not there. */
export class SourceMissing extends CoracleError {
  override readonly code = 'BUILD_SOURCE_MISSING'
  override readonly status = 400
  constructor(path: string, options?: CoracleErrorOptions) {
    super(`failed to compute cache key: "${path}": not found`, options)
  }
}

/** Files cannot be put where the instruction says. */
export class CopyFailed extends CoracleError {
  override readonly code = 'BUILD_COPY_FAILED'
  override readonly status = 400
}

/** A command of RUN ended with another status than 0. */
export class CommandFailed extends CoracleError {
  override readonly code = 'BUILD_COMMAND_FAILED'
  constructor(command: string, status: number, options?: CoracleErrorOptions) {
    super(`process "${command}" did not complete successfully: exit code: ${status}`, options)
  }
}

/** Something a step needs that the caller did not give: a secret, an agent, a right. */
export class NotGranted extends CoracleError {
  override readonly code = 'BUILD_NOT_GRANTED'
  override readonly status = 400
}

/** A context, or a file of it, that cannot be had. */
export class ContextUnreadable extends CoracleError {
  override readonly code = 'BUILD_CONTEXT_UNREADABLE'
  override readonly status = 400
}

/** The image that was to list what is in another one did not. */
export class GeneratorFailed extends CoracleError {
  override readonly code = 'BUILD_GENERATOR_FAILED'
}

/** A step failed; the message shows where in the Dockerfile. */
export class StepFailed extends CoracleError {
  override readonly code = 'BUILD_STEP_FAILED'
  override readonly exitCode: number
  constructor(message: string, cause: CoracleError) {
    super(message, { cause, hint: cause.hint })
    this.exitCode = cause.exitCode === 130 ? 130 : 1
  }
}

/** A command of a platform whose images nothing can be run in. */
export class RunUnsupported extends CoracleError {
  override readonly code = 'BUILD_RUN_UNSUPPORTED'
  override readonly status = 400
  constructor(platform: string) {
    super(
      `RUN cannot be carried out for the platform ${platform}: its images hold a module, and no system to run commands in`,
      {
        hint: 'build the module in a stage of its own, FROM --platform=$BUILDPLATFORM, and COPY --from it',
      },
    )
  }
}

/** A repository or a file of the network that cannot be had as it is asked for. */
export class SourceFailed extends CoracleError {
  override readonly code = 'BUILD_SOURCE_FAILED'
  override readonly status = 400
}

/** A cache from elsewhere that is none, or is damaged. */
export class CacheInvalid extends CoracleError {
  override readonly code = 'BUILD_CACHE_INVALID'
  override readonly status = 400
  constructor(reason: string, options?: CoracleErrorOptions) {
    super(`the cache cannot be used: ${reason}`, options)
  }
}

/** A cache that cannot be written where it should go. */
export class CacheUnwritten extends CoracleError {
  override readonly code = 'BUILD_CACHE_UNWRITTEN'
}
