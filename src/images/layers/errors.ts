/** Why a layer is refused. Nothing of it stays. */
import { CoracleError, type CoracleErrorOptions } from '../../errors.ts'

const HINT = 'the image is damaged or hostile: ask whoever publishes it'

/** The archive is damaged, or says things no layer may say. */
export class LayerInvalid extends CoracleError {
  override readonly code = 'LAYER_INVALID'
  readonly reason: string
  constructor(reason: string, options?: CoracleErrorOptions) {
    super(`the layer is refused: ${reason}`, { hint: HINT, ...options })
    this.reason = reason
  }
}

/** The bytes inflate to something else than the image config promises. */
export class DiffIDMismatch extends CoracleError {
  override readonly code = 'DIFF_ID_MISMATCH'
  readonly expected: string
  readonly found: string
  constructor(expected: string, found: string) {
    super(`the layer inflates to ${found}, the image config says ${expected}`, { hint: HINT })
    this.expected = expected
    this.found = found
  }
}
