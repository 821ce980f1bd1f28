/** What a module is refused for. The runner prints them as one line; the exit status is the runner's. */
import { CoracleError } from '../errors.ts'

/** No program of that name in the image: exit 127, as a shell has it. */
export class ModuleNotFound extends CoracleError {
  override readonly code = 'MODULE_NOT_FOUND'
  override readonly exitCode = 127
  constructor(name: string) {
    super(`exec: ${JSON.stringify(name)}: no such module in the image`)
  }
}

/** The file is no WebAssembly module, or a damaged one: exit 126. */
export class ModuleInvalid extends CoracleError {
  override readonly code = 'MODULE_INVALID'
  override readonly exitCode = 126
  constructor(name: string, reason: string, hint?: string) {
    super(`exec: ${JSON.stringify(name)}: ${reason}`, { hint })
  }
}

/** A good module that this sandbox does not run: exit 125. */
export class ModuleUnsupported extends CoracleError {
  override readonly code = 'MODULE_UNSUPPORTED'
  override readonly exitCode = 125
  override readonly status = 501
  constructor(reason: string, hint?: string, options?: ErrorOptions) {
    super(reason, { ...options, hint })
  }
}
