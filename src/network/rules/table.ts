/**
 * The rules of one network as nft reads them. What is routed passes the table of family `inet`; what goes from one port
 * of the bridge to another one, ARP included, passes only that of family `bridge`.
 *
 * A host with `bridge-nf-call-iptables` shows bridged packets to the `inet` table as well: everything here holds with
 * and without.
 */
import { isSix } from '../cidr.ts'
import { askFirst, heldSets, notedSets, noteRules } from './input.ts'
import type { RuleNetwork } from './types.ts'

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const

/** Of packets on their way from port to port of a network where only published ports are open. */
const PUBLISHED_MARK = '0x1000'

export function tableOf(networkId: string): string {
  return `coracle-${networkId.slice(0, 12)}`
}

/** @param obeysInput - what is published passes the host's rules for `input` first */
export function tablesText(network: RuleNetwork, { obeysInput }: { readonly obeysInput: boolean }): string {
  const name = tableOf(network.id)
  const comment = `comment "coracle ${network.owner}"`
  return [
    ...block(`table inet ${name}`, [comment, ...routed(network, obeysInput)]),
    ...block(`table bridge ${name}`, [comment, ...bridged(network)]),
    '',
  ].join('\n')
}

function routed(network: RuleNetwork, obeysInput: boolean): readonly string[] {
  const six = network.subnets.some(isSix)
  return [
    ...PROTOCOLS.flatMap((protocol) => maps(protocol, six)),
    ...heldSets(six),
    ...(obeysInput ? notedSets(six) : []),
    ...chain('honest', 'filter hook prerouting priority raw', honestRules(network)),
    ...chain('published', 'nat hook prerouting priority dstnat', [
      // A neighbour's packets to 127.0.0.1: the kernel drops them where nobody has made something else of them.
      'ip daddr 127.0.0.0/8 accept',
      ...(obeysInput ? askFirst(six) : []),
      ...dnatRules(six),
    ]),
    ...chain('published_here', 'nat hook output priority -100', dnatRules(six)),
    ...chain('leaving', 'nat hook postrouting priority srcnat', sourceRules(network)),
    ...chain('here', 'filter hook input priority filter', inputRules(network)),
    ...(obeysInput ? chain('asked', 'filter hook input priority 1000', noteRules(six)) : []),
    ...chain('through', 'filter hook forward priority filter', forwardRules(network)),
  ]
}

function block(head: string, lines: readonly string[]): readonly string[] {
  return [`${head} {`, ...lines.map((line) => `  ${line}`), '}']
}

function chain(name: string, hook: string, rules: readonly string[]): readonly string[] {
  return block(`chain ${name}`, [`type ${hook}; policy accept;`, ...rules])
}

function maps(protocol: string, six: boolean): readonly string[] {
  const four = [
    `map any_${protocol} { type inet_service : ipv4_addr . inet_service; }`,
    `map at_${protocol} { type ipv4_addr . inet_service : ipv4_addr . inet_service; }`,
  ]
  const both = [
    `map any6_${protocol} { type inet_service : ipv6_addr . inet_service; }`,
    `map at6_${protocol} { type ipv6_addr . inet_service : ipv6_addr . inet_service; }`,
  ]
  return six ? [...four, ...both] : four
}

/** Nothing to the host's own loopback, which `route_localnet` would let in; nothing out of an internal network. */
function honestRules({ bridge, subnets, internal }: RuleNetwork): readonly string[] {
  const [four, six] = families(subnets)
  const from = `iifname "${bridge}"`
  const fourOut = [...four, '224.0.0.0/4', '255.255.255.255']
  return [
    `${from} ip daddr 127.0.0.0/8 drop`,
    ...(four.length > 0 ? [`${from} ip saddr != ${set(four)} drop`] : []),
    ...(six.length > 0 ? [`${from} ip6 saddr != ${set([...six, 'fe80::/10', '::'])} drop`] : []),
    ...(internal ? [`${from} ip daddr != ${set(fourOut)} drop`] : []),
    ...(internal ? [`${from} ip6 daddr != ${set([...six, 'fe80::/10', 'ff00::/8'])} drop`] : []),
  ]
}

function dnatRules(six: boolean): readonly string[] {
  const rules = (protocol: string) => [
    `meta nfproto ipv4 dnat ip to ip daddr . ${protocol} dport map @at_${protocol}`,
    `meta nfproto ipv4 dnat ip to ${protocol} dport map @any_${protocol}`,
  ]
  const rules6 = (protocol: string) => [
    `meta nfproto ipv6 dnat ip6 to ip6 daddr . ${protocol} dport map @at6_${protocol}`,
    `meta nfproto ipv6 dnat ip6 to ${protocol} dport map @any6_${protocol}`,
  ]
  return [
    'fib daddr type != local accept',
    'ip6 daddr ::1 accept', // the kernel does not route answers to it: better refused than lost
    ...PROTOCOLS.flatMap(rules),
    ...(six ? PROTOCOLS.flatMap(rules6) : []),
  ]
}

/** Answers must come back by the host: to its loopback, to neighbours of the container, and from the outside. */
function sourceRules({ bridge, subnets, masquerade }: RuleNetwork): readonly string[] {
  const to = `oifname "${bridge}"`
  const out = `oifname != "${bridge}"`
  const named = subnets.map((subnet) => `${isSix(subnet) ? 'ip6' : 'ip'} saddr ${subnet}`)
  return [
    `${to} ip saddr 127.0.0.0/8 masquerade`,
    ...named.map((source) => `${to} ${source} ct status dnat masquerade`),
    ...(masquerade ? named.map((source) => `${out} ${source} masquerade`) : []),
  ]
}

/** The host's address on a network belongs to the network: others do not even see it. */
function inputRules({ bridge, gateways }: RuleNetwork): readonly string[] {
  const foreign = `iifname "cb-*" iifname != "${bridge}"`
  return [
    'ct state established,related accept', // the host may have used it as its own for another network
    ...gateways.map((gateway) => `${foreign} ${isSix(gateway) ? 'ip6' : 'ip'} daddr ${gateway} drop`),
  ]
}

/**
 * Into the network only answers, and what is published; out of an internal one nothing. `accept` binds no other table:
 * what the host's own rules drop is dropped.
 */
function forwardRules({ bridge, internal, icc }: RuleNetwork): readonly string[] {
  const within = `iifname "${bridge}" oifname "${bridge}"`
  const publishedOnly = [
    `${within} ct status dnat meta mark set meta mark or ${PUBLISHED_MARK} accept`,
    `${within} drop`,
  ]
  return [
    ...(icc ? [`${within} accept`] : publishedOnly),
    ...(internal ? [`iifname "${bridge}" drop`, `oifname "${bridge}" drop`] : []),
    `oifname "${bridge}" ct state established,related accept`,
    `oifname "${bridge}" ct status dnat accept`,
    `oifname "${bridge}" drop`,
  ]
}

/**
 * Nobody speaks in another's name. A container's link, its MAC and its addresses stand in the sets; what is neither ARP
 * nor IP has no business here.
 */
function bridged({ group, subnets, icc }: RuleNetwork): readonly string[] {
  const six = subnets.some(isSix)
  const sets = [
    'set four { type ifname . ether_addr . ipv4_addr; }',
    'set six { type ifname . ether_addr . ipv6_addr; }',
    'set neighbours { typeof iifname . ether saddr . @th,64,128; }',
  ]
  const between = [
    `iifgroup != ${group} accept`,
    `oifgroup != ${group} accept`,
    `mark and ${PUBLISHED_MARK} == ${PUBLISHED_MARK} accept`,
    'drop',
  ]
  return [
    ...(six ? sets : sets.slice(0, 1)),
    ...(six ? block('chain six_honest', sixRules()) : []),
    ...chain('honest', 'filter hook prerouting priority -300', [
      `iifgroup != ${group} accept`,
      'iifname . ether saddr . ip saddr @four accept',
      `${ARP} iifname . ether saddr . arp saddr ip @four iifname . arp saddr ether . arp saddr ip @four accept`,
      ...(six ? ['iifname . ether saddr . ip6 saddr @six jump six_honest'] : []),
      'drop',
    ]),
    ...(icc ? [] : chain('between', 'filter hook forward priority 150', between)),
  ]
}

const ARP = 'arp htype 1 arp ptype ip arp hlen 6 arp plen 4'

/** Of packets whose source is the sender's own, or not set yet: what they claim must be their own too (RFC 4861). */
function sixRules(): readonly string[] {
  const claim = 'iifname . ether saddr . @th,64,128 @neighbours'
  return [
    'icmpv6 type { nd-router-advert, nd-redirect, router-renumbering } drop',
    `icmpv6 type nd-neighbor-advert ${claim} accept`,
    'icmpv6 type nd-neighbor-advert drop',
    'ip6 saddr != :: accept',
    `icmpv6 type nd-neighbor-solicit ${claim} accept`,
    'icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } accept',
  ]
}

function families(subnets: readonly string[]): readonly [four: string[], six: string[]] {
  return [subnets.filter((subnet) => !isSix(subnet)), subnets.filter(isSix)]
}

function set(members: readonly string[]): string {
  return `{ ${members.join(', ')} }`
}
