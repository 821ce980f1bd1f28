/** What can be wrong with patterns of ignored files. */
import { CoracleError } from '../../errors.ts'

export class IgnorePatternInvalid extends CoracleError {
  override readonly code = 'IGNORE_PATTERN_INVALID'
  override readonly status = 400
  constructor(pattern: string, reason: string) {
    super(`invalid pattern ${JSON.stringify(pattern.slice(0, 200))}: ${reason}`, {
      hint: 'a backslash takes the meaning from [, *, ? and !',
    })
  }
}
