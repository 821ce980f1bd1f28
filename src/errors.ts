/**
 * The root of the error tree. Every failure that a user can act on is a `CoracleError`; each room derives its
 * own classes in its `errors.ts`. Whatever else is thrown is a bug in Coracle and is reported as one.
 */

export interface CoracleErrorOptions extends ErrorOptions {
  /** What to do now: one sentence or one command. */
  readonly hint?: string | undefined
}

/** A failure the user can act on, printed as `coracle: MESSAGE` and the hint. */
export abstract class CoracleError extends Error {
  /** Stable: never changes its meaning, never reused. */
  abstract readonly code: string
  /** Exit status of the command that fails with this error. */
  readonly exitCode: number = 1
  /** Status of the Engine API's answer. */
  readonly status: number = 500
  readonly hint: string | undefined

  constructor(message: string, options: CoracleErrorOptions = {}) {
    super(message, options)
    this.name = new.target.name
    this.hint = options.hint
  }
}

/** Arguments or flags that make no sense, alone or together. Docker's exit status for them is 125 on `run`, else 1. */
export class InvalidArgument extends CoracleError {
  override readonly code = 'INVALID_ARGUMENT'
  override readonly status = 400
}

/** The user interrupted the command (Ctrl-C, SIGTERM). Nothing half-done is left. */
export class Cancelled extends CoracleError {
  override readonly code = 'CANCELLED'
  override readonly exitCode = 130
  override readonly status = 499
  constructor(options?: CoracleErrorOptions) {
    super('cancelled', options)
  }
}

/** The host lacks something this command needs; the hint names it. */
export class HostUnsupported extends CoracleError {
  override readonly code = 'HOST_UNSUPPORTED'
  override readonly status = 501
}

/** What nobody uses, and could not be removed all the same. */
export interface Kept {
  readonly name: string
  readonly error: CoracleError
}
