/** Why a launch failed, as the native program reports it. */
import { CoracleError, type CoracleErrorOptions } from '../errors.ts'

/** A step of the launch plan failed; nothing of the container is left. */
export class LaunchFailed extends CoracleError {
  override readonly code = 'LAUNCH_FAILED'
  override readonly exitCode = 125
  constructor(doing: string, object: string, reason: string, options?: CoracleErrorOptions) {
    super(`cannot start the container: ${doing}${object === '' ? '' : ` ${object}`}: ${reason}`, options)
  }
}

export class ProgramNotFound extends CoracleError {
  override readonly code = 'PROGRAM_NOT_FOUND'
  override readonly exitCode = 127
  override readonly status = 400
  constructor(program: string, options?: CoracleErrorOptions) {
    const where = program.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH'
    super(`exec: ${JSON.stringify(program)}: ${where}`, options)
  }
}

export class ProgramNotExecutable extends CoracleError {
  override readonly code = 'PROGRAM_NOT_EXECUTABLE'
  override readonly exitCode = 126
  override readonly status = 400
  constructor(program: string, reason: string, options?: CoracleErrorOptions) {
    super(`exec: ${JSON.stringify(program)}: ${reason.toLowerCase()}`, options)
  }
}

/** @param fields - class, step number, what was done, to what, errno, reason */
export function launchError(fields: readonly string[]): CoracleError {
  const [kind = '', step = '', doing = '', object = '', , reason = ''] = fields
  if (kind === 'not-found') return new ProgramNotFound(object)
  if (kind === 'not-executable') return new ProgramNotExecutable(object, reason)
  return new LaunchFailed(`step ${step}, ${doing}`, object, reason)
}
