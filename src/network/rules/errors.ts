/** What goes wrong with packet filter rules. */
import { CoracleError } from '../../errors.ts'

export class NftMissing extends CoracleError {
  override readonly code = 'NFT_MISSING'
  override readonly status = 501
  override readonly exitCode = 125
  constructor(options?: ErrorOptions) {
    super('networks need the program nft, which is not on this host', {
      ...options,
      hint: 'install the package nftables, or run with --network host or --network none',
    })
  }
}

export class RulesRefused extends CoracleError {
  override readonly code = 'RULES_REFUSED'
  override readonly exitCode = 125
  constructor(reason: string) {
    super(`nft refuses the rules of the network: ${reason}`, {
      hint: 'see whether this kernel has nf_tables: nft list ruleset',
    })
  }
}
