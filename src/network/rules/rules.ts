/** The packet filter: one table for each network, made in one transaction, gone with its last container. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { PublishedPort } from '../types.ts'
import { NftMissing, RulesRefused } from './errors.ts'
import type { RuleNetwork } from './types.ts'

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const

export function tableOf(networkId: string): string {
  return `coracle-${networkId.slice(0, 12)}`
}

/** Idempotent: what is there is made anew. @throws {NftMissing} @throws {RulesRefused} */
export async function ensureNetworkRules(network: RuleNetwork): Promise<void> {
  const table = tableOf(network.id)
  await nft(`table inet ${table}\ndelete table inet ${table}\n${tableText(network)}`)
}

/** Idempotent. */
export async function removeNetworkRules(networkId: string): Promise<void> {
  const table = tableOf(networkId)
  await nft(`table inet ${table}\ndelete table inet ${table}\n`)
}

/** Packets to these ports of the host go to the container. Of one port the last one wins. */
export async function publishPorts(network: Pick<RuleNetwork, 'id'>, ports: readonly PublishedPort[]): Promise<void> {
  const table = tableOf(network.id)
  const lines = ports.filter(isFour).map((port) => {
    const to = `${port.containerIp} . ${port.containerPort}`
    return `add element inet ${table} ${mapOf(port)} { ${keyOf(port)} : ${to} }`
  })
  if (lines.length > 0) await nft(`${lines.join('\n')}\n`)
}

/** Those that are not published are fine. */
export async function unpublishPorts(network: Pick<RuleNetwork, 'id'>, ports: readonly PublishedPort[]): Promise<void> {
  const table = tableOf(network.id)
  // Added and deleted again: what is not there could not be deleted.
  const lines = ports.filter(isFour).flatMap((port) => {
    const element = `inet ${table} ${mapOf(port)} { ${keyOf(port)} : ${port.containerIp} . ${port.containerPort} }`
    return [`add element ${element}`, `delete element ${element}`]
  })
  if (lines.length > 0) await nft(`${lines.join('\n')}\n`)
}

/** Names of all tables of networks on this host, of any data root. */
export async function networkTables(): Promise<readonly string[]> {
  const listing = await nft('list tables inet\n')
  return [...listing.matchAll(/^table inet (coracle-[0-9a-f]{12})$/gm)].map(([, name = '']) => name)
}

function isFour({ containerIp }: PublishedPort): boolean {
  return !containerIp.includes(':')
}

function isAnywhere({ hostIp }: PublishedPort): boolean {
  return hostIp === '' || hostIp === '0.0.0.0' || hostIp === '::'
}

function mapOf(port: PublishedPort): string {
  return `${isAnywhere(port) ? 'any' : 'at'}_${port.protocol}`
}

function keyOf(port: PublishedPort): string {
  return isAnywhere(port) ? String(port.hostPort) : `${port.hostIp} . ${port.hostPort}`
}

function tableText(network: RuleNetwork): string {
  return [
    `table inet ${tableOf(network.id)} {`,
    ...PROTOCOLS.flatMap((protocol) => [
      `map any_${protocol} { type inet_service : ipv4_addr . inet_service; }`,
      `map at_${protocol} { type ipv4_addr . inet_service : ipv4_addr . inet_service; }`,
    ]),
    ...chain('honest', 'type filter hook prerouting priority raw', honestRules(network)),
    ...chain('published', 'type nat hook prerouting priority dstnat', dnatRules()),
    ...chain('published_here', 'type nat hook output priority -100', dnatRules()),
    ...chain('leaving', 'type nat hook postrouting priority srcnat', sourceRules(network)),
    ...chain('through', 'type filter hook forward priority filter', forwardRules(network)),
    '}',
    '',
  ].join('\n')
}

function chain(name: string, hook: string, rules: readonly string[]): readonly string[] {
  return [`chain ${name} {`, `${hook}; policy accept;`, ...rules, '}']
}

/** Nobody speaks in another's name, nor to the host's own loopback, which `route_localnet` would let in. */
function honestRules({ bridge, subnets }: RuleNetwork): readonly string[] {
  const [four, six] = families(subnets)
  return [
    `iifname "${bridge}" ip daddr 127.0.0.0/8 drop`,
    ...(four.length > 0 ? [`iifname "${bridge}" ip saddr != { ${[...four, '0.0.0.0'].join(', ')} } drop`] : []),
    ...(six.length > 0 ? [`iifname "${bridge}" ip6 saddr != { ${[...six, 'fe80::/10', '::'].join(', ')} } drop`] : []),
  ]
}

function dnatRules(): readonly string[] {
  return PROTOCOLS.flatMap((protocol) => [
    `fib daddr type local dnat ip to ip daddr . ${protocol} dport map @at_${protocol}`,
    `fib daddr type local dnat ip to ${protocol} dport map @any_${protocol}`,
  ])
}

function sourceRules({ bridge, subnets, masquerade }: RuleNetwork): readonly string[] {
  const [four, six] = families(subnets)
  return [
    `oifname "${bridge}" ip saddr 127.0.0.0/8 masquerade`,
    ...four.map((subnet) => `oifname "${bridge}" ip saddr ${subnet} ct status dnat masquerade`),
    ...(masquerade ? four.map((subnet) => `oifname != "${bridge}" ip saddr ${subnet} masquerade`) : []),
    ...(masquerade ? six.map((subnet) => `oifname != "${bridge}" ip6 saddr ${subnet} masquerade`) : []),
  ]
}

/** Into the network only answers and what is published; between networks of ours nothing. `accept` binds no other table. */
function forwardRules({ bridge, internal, icc }: RuleNetwork): readonly string[] {
  return [
    `oifname "${bridge}" iifname "${bridge}" ${icc ? 'accept' : 'ct status dnat accept'}`,
    ...(icc ? [] : [`oifname "${bridge}" iifname "${bridge}" drop`]),
    ...(internal ? [`iifname "${bridge}" drop`, `oifname "${bridge}" drop`] : []),
    `oifname "${bridge}" ct state established,related accept`,
    `oifname "${bridge}" iifname "cb-*" drop`,
    `oifname "${bridge}" ct status dnat accept`,
    `oifname "${bridge}" drop`,
  ]
}

function families(subnets: readonly string[]): readonly [four: string[], six: string[]] {
  return [subnets.filter((subnet) => !subnet.includes(':')), subnets.filter((subnet) => subnet.includes(':'))]
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

async function nft(script: string): Promise<string> {
  const child = spawn('nft', ['-f', '-'], { cwd: '/', env: { PATH }, stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'ENOENT' ? new NftMissing({ cause }) : cause),
    )
  })
  child.stdin.on('error', () => {}) // one that ends early says why
  child.stdin.end(script)
  const [status, output, problem] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  if (status !== 0) throw new RulesRefused(problem.trim().split('\n')[0] ?? `it ended with ${status}`)
  return output
}
