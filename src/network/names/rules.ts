/** Packet rules of a container's own network namespace: its way to the responder and, with a filter, what else it may reach. */
import { randomBelow } from '../../util/random.ts'
import type { AddressRule, NetFilter, NetPort } from './types.ts'

/** Above what the kernel hands out by itself. */
export function chooseResolverPort(): number {
  return 61_000 + randomBelow(65_536 - 61_000)
}

/**
 * What the step `net-rules` tells nft. A table that is there already is made anew, its sets emptied.
 *
 * With a filter, containers must have neither CAP_NET_RAW (packet sockets pass by these rules) nor CAP_NET_ADMIN (it changes them).
 *
 * @param port - where the responder is in fact: 127.0.0.11:53 leads there, and 0.0.0.0:53 stays free
 */
export function resolverRules(port: number, filter?: NetFilter): string {
  return [
    'table inet coracle',
    'delete table inet coracle',
    'table inet coracle {',
    ...chain('to_names', 'type nat hook output priority -100; policy accept;', [
      `ip daddr 127.0.0.11 udp dport 53 dnat ip to 127.0.0.11:${port}`,
      `ip daddr 127.0.0.11 tcp dport 53 dnat ip to 127.0.0.11:${port}`,
    ]),
    ...(filter === undefined ? [] : filterRules(filter)),
    '}',
    '',
  ].join('\n')
}

function filterRules({ allow, deny }: NetFilter): readonly string[] {
  const allowed = allow.filter((rule) => rule.kind === 'addresses')
  const denied = deny.filter((rule) => rule.kind === 'addresses')
  return [
    // Filled by the responder's supervisor (native/resolve-sets.c), as names are asked for.
    'set names4 { type ipv4_addr . inet_proto . inet_service; flags timeout; size 65535; }',
    'set names6 { type ipv6_addr . inet_proto . inet_service; flags timeout; size 65535; }',
    'set hosts4 { type ipv4_addr; flags timeout; size 65535; }',
    'set hosts6 { type ipv6_addr; flags timeout; size 65535; }',
    ...addressSets('allowed', allowed),
    ...addressSets('denied', denied),
    ...chain('refuse', '', [
      'limit rate 20/second log group 1 snaplen 64',
      'meta l4proto tcp reject with tcp reset',
      'reject with icmpx type admin-prohibited',
    ]),
    ...chain('leaving', 'type filter hook output priority filter; policy drop;', [
      'ct state established,related accept',
      'oifname "lo" accept',
      // How IPv6 finds its neighbours.
      'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } ip6 hoplimit { 1, 255 } accept',
      ...addressRules('denied', denied, 'jump refuse'),
      'ip daddr . meta l4proto . th dport @names4 accept',
      'ip6 daddr . meta l4proto . th dport @names6 accept',
      'ip daddr @hosts4 accept',
      'ip6 daddr @hosts6 accept',
      ...addressRules('allowed', allowed, 'accept'),
      'jump refuse',
    ]),
  ]
}

const isWhole = (rule: AddressRule) => rule.port === undefined

function addressSets(name: string, rules: readonly AddressRule[]): readonly string[] {
  return ([4, 6] as const).map((family) => {
    const ranges = rules.filter((rule) => rule.family === family && isWhole(rule)).map(({ cidr }) => cidr)
    const elements = ranges.length === 0 ? '' : ` elements = { ${[...new Set(ranges)].join(', ')} };`
    return `set ${name}${family} { type ipv${family}_addr; flags interval; auto-merge;${elements} }`
  })
}

function addressRules(name: string, rules: readonly AddressRule[], verdict: string): readonly string[] {
  return [
    `ip daddr @${name}4 ${verdict}`,
    `ip6 daddr @${name}6 ${verdict}`,
    ...rules
      .filter((rule) => !isWhole(rule))
      .map((rule) => `${rule.family === 4 ? 'ip' : 'ip6'} daddr ${rule.cidr} ${portMatch(rule)} ${verdict}`),
  ]
}

function portMatch({ protocol, port }: NetPort): string {
  const protocols = protocol === undefined ? 'meta l4proto { tcp, udp }' : `meta l4proto ${protocol}`
  return `${protocols} th dport ${port}`
}

function chain(name: string, hook: string, rules: readonly string[]): readonly string[] {
  return [`chain ${name} {`, ...(hook === '' ? [] : [hook]), ...rules, '}']
}
