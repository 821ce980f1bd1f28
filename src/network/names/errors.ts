/** What goes wrong with names and with the allow-list. */
import { CoracleError } from '../../errors.ts'

/** A rule of `--allow-net` or `--deny-net` that makes no sense. */
export class NetRuleInvalid extends CoracleError {
  override readonly code = 'NET_RULE_INVALID'
  override readonly exitCode = 125
  override readonly status = 400
  constructor(rule: string, reason: string) {
    super(`invalid network rule ${JSON.stringify(rule)}: ${reason}`, {
      hint: 'rules look like host, host:443, *.host:443/tcp, 10.0.0.0/8, 10.0.0.0/8:443 or [fd00::1]:443',
    })
  }
}

/** A name that cannot be asked for, or more than a responder takes. */
export class NamesInvalid extends CoracleError {
  override readonly code = 'NAMES_INVALID'
  override readonly exitCode = 125
  override readonly status = 400
}
