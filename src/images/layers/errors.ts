/** Why a layer is refused. Nothing of it stays. */
import { CoracleError, type CoracleErrorOptions } from '../../errors.ts'

/** The archive is damaged, or says things no layer may say. */
export class LayerInvalid extends CoracleError {
  override readonly code = 'LAYER_INVALID'
  constructor(reason: string, options?: CoracleErrorOptions) {
    super(`the layer is refused: ${reason}`, {
      hint: 'the image is damaged or hostile: ask whoever publishes it',
      ...options,
    })
  }
}

/** The bytes inflate to something else than the image config promises. */
export class DiffIDMismatch extends CoracleError {
  override readonly code = 'DIFF_ID_MISMATCH'
  constructor(expected: string, found: string) {
    super(`the layer inflates to ${found}, the image config says ${expected}`, {
      hint: 'the image is damaged or hostile: ask whoever publishes it',
    })
  }
}
