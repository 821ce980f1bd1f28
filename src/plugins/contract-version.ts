/** Does a plugin fit this Coracle? Loads semver, so it is asked at installation and after upgrades only. */

import satisfies from 'semver/functions/satisfies.js'
import gtr from 'semver/ranges/gtr.js'
import validRange from 'semver/ranges/valid.js'
import { ContractMismatch } from './errors.ts'
import { CONTRACT_VERSION } from './plugin.ts'

/** @throws {ContractMismatch} with the one who must upgrade */
export function checkContract(name: string, range: string, offered: string = CONTRACT_VERSION): void {
  if (validRange(range) === null)
    throw new ContractMismatch(`${name} states '${range}' as its contract, which is no range of versions`, {
      hint: `its author should write '^${offered}'`,
    })
  if (satisfies(offered, range)) return
  const told = `${name} was written for version ${range} of the plugin contract, and this Coracle has ${offered}`
  const hint = gtr(offered, range)
    ? `${name} must be upgraded: ask its author, or try coracle plugins update ${name}`
    : 'Coracle must be upgraded'
  throw new ContractMismatch(told, { hint })
}
