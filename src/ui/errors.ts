/** What can go wrong between the user's line and the command. */
import { CoracleError } from '../errors.ts'

/** The line cannot be understood. Printed as docker does: message, usage, and where to read on. */
export class UsageError extends CoracleError {
  override readonly code = 'USAGE'
  override readonly exitCode: number
  override readonly status = 400
  /** @param exitStatus - docker's: 125 for flags, 1 for the number of arguments */
  constructor(message: string, exitStatus = 125) {
    super(message)
    this.exitCode = exitStatus
  }
}

export class UnknownCommand extends CoracleError {
  override readonly code = 'UNKNOWN_COMMAND'
  constructor(command: string, suggestion: string | undefined) {
    super(`'${command}' is not a coracle command.`, {
      hint: suggestion === undefined ? "See 'coracle --help'." : `Did you mean '${suggestion}'? See 'coracle --help'.`,
    })
  }
}

/** A `--format` template that makes no sense, alone or for what it is given. */
export class TemplateError extends CoracleError {
  override readonly code = 'TEMPLATE_INVALID'
  override readonly exitCode = 1
  override readonly status = 400
  constructor(reason: string) {
    super(`template parsing error: ${reason}`)
  }
}

/** Several targets, more than one of which failed. */
export class SomeTargetsFailed extends CoracleError {
  override readonly code = 'SOME_TARGETS_FAILED'
  override readonly exitCode: number
  readonly errors: readonly unknown[]
  constructor(errors: readonly unknown[]) {
    super(`${errors.length} targets failed`)
    this.errors = errors
    this.exitCode = Math.max(1, ...errors.map((error) => (error instanceof CoracleError ? error.exitCode : 1)))
  }
}

export class PortNotPublished extends CoracleError {
  override readonly code = 'PORT_NOT_PUBLISHED'
  override readonly status = 404
  constructor(port: string, container: string) {
    super(`no public port '${port}' published for ${container}`)
  }
}
