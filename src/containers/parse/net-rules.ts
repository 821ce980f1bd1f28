/** `--allow-net` and `--deny-net`: what a container may reach, and what else they forbid. */
import { InvalidArgument } from '../../errors.ts'
import { parseNetRule } from '../../network/names/parse.ts'
import type { HostConfig } from '../config.ts'
import type { RunFlags } from '../types.ts'
import { networkWords } from './network.ts'

/** With one of these a program could take the rules away, or go past them. */
const STRONGER = ['ALL', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_ADMIN', 'CAP_SYS_MODULE']

/** All names, and all addresses. */
export const ANYWHERE: readonly string[] = ['*', '0.0.0.0/0', '::/0']

/** @throws {InvalidArgument} a rule that means nothing, or a container that no rule could hold */
export function parseNetRules(
  flags: RunFlags,
  { CapAdd, Privileged }: Pick<HostConfig, 'CapAdd' | 'Privileged'>,
): Pick<HostConfig, 'AllowNet' | 'DenyNet'> {
  const AllowNet = ruleTexts(flags['allow-net'])
  const DenyNet = flags['deny-net']?.includes('') ? [...ANYWHERE] : ruleTexts(flags['deny-net'])
  if (AllowNet === undefined && DenyNet === undefined) return {}
  const flag = AllowNet === undefined ? '--deny-net' : '--allow-net'
  const refuse = (what: string, hint: string) => {
    throw new InvalidArgument(`conflicting options: ${flag} and ${what}`, { hint })
  }
  if (Privileged) refuse('--privileged', 'a privileged container can undo every rule')
  const [capability] = CapAdd.filter((name) => STRONGER.includes(name))
  if (capability !== undefined) refuse(`--cap-add ${capability}`, 'with this capability a container can undo the rules')
  const alone = networkWords(flags.network).find((name) => name === 'host' || name.startsWith('container:'))
  if (alone !== undefined) refuse(`--network ${alone}`, 'the rules are those of a network of its own')
  return { ...(AllowNet && { AllowNet }), ...(DenyNet && { DenyNet }) }
}

function ruleTexts(values: readonly string[] | undefined): string[] | undefined {
  if (values === undefined) return undefined
  if (values.includes('')) return undefined // without a value: everything
  const texts = values.flatMap((value) => value.split(',')).map((text) => text.trim())
  for (const text of texts) parseNetRule(text)
  return texts
}
