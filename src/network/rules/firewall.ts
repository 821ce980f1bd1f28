/** Whether this host has rules of its own about what comes in, read from what nft lists. */

export interface InputChain {
  readonly family: string
  readonly table: string
  readonly name: string
  /** What no rule speaks of is dropped. */
  readonly closed: boolean
}

const TABLE = /^table (ip|ip6|inet) (\S+) \{/
const CHAIN = /^\tchain (\S+) \{/
const HOOK = /^\t\ttype filter hook input priority [^;]*;(?: policy (\w+);)?/

/** Of the answer to `list chains`: those of others that packets to the host pass. */
export function inputChains(listing: string): readonly InputChain[] {
  const found: InputChain[] = []
  let table: RegExpExecArray | null = null
  let name = ''
  for (const line of listing.split('\n')) {
    if (line.startsWith('table ')) table = TABLE.exec(line)
    name = CHAIN.exec(line)?.[1] ?? name
    const hook = HOOK.exec(line)
    const [, family = '', owner = ''] = table ?? []
    if (hook === null || table === null || owner.startsWith('coracle-')) continue
    found.push({ family, table: owner, name, closed: hook[1] === 'drop' })
  }
  return found
}

/** Of the answer to `list chain`. */
export function hasRules(listing: string): boolean {
  return listing.split('\n').some((line) => line.startsWith('\t\t') && !/^\t\t(?:type |comment |#)/.test(line))
}
