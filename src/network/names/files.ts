/**
 * The files that responders read (native/resolve-names.h): `names` of each network, `config` of each container. A responder is nobody,
 * so directories let all pass and files let all read; what is above them decides who gets so far.
 */
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { join } from 'node:path'
import { randomHex } from '../../util/random.ts'
import { NamesInvalid } from './errors.ts'
import type { NamedContainer, NetRule, ResolverConfig } from './types.ts'

const MAX_NETWORKS = 8
const MAX_CONFIG_BYTES = 64 * 1024
const MAX_NAMES_BYTES = 1024 * 1024

/**
 * Says what containers of a network are called from now on; responders see it at their next question.
 * Atomic: nobody reads half of it.
 *
 * @param directory - that of the step `resolver`; made where it is missing
 * @throws {NamesInvalid} a name holds what no question can, an address is none, or it is too much
 */
export function writeNetworkNames(directory: string, networkId: string, containers: readonly NamedContainer[]): void {
  const home = join(directory, checkedId(networkId))
  const text = containers.map(namesLine).join('')
  replaceFile([directory, home], { name: 'names', text, maxBytes: MAX_NAMES_BYTES })
}

/**
 * Says what a container's responder does from its next question on. Atomic.
 *
 * @param directory - that of the step `resolver`; made where it is missing
 * @throws {NamesInvalid} more networks or rules than a responder takes
 */
export function writeResolverConfig(directory: string, config: ResolverConfig): void {
  replaceFile([directory], { name: 'config', text: configText(config), maxBytes: MAX_CONFIG_BYTES })
}

function namesLine({ ipv4, ipv6, names }: NamedContainer): string {
  if (ipv4 !== undefined && !isIPv4(ipv4)) throw new NamesInvalid(`invalid IPv4 address ${JSON.stringify(ipv4)}`)
  if (ipv6 !== undefined && (!isIPv6(ipv6) || ipv6.includes('%')))
    throw new NamesInvalid(`invalid IPv6 address ${JSON.stringify(ipv6)}`)
  return `${[ipv4 ?? '-', ipv6 ?? '-', ...names.map(checkedName)].join(' ')}\n`
}

/** Lower case, as responders compare. */
function checkedName(name: string): string {
  const bare = name.replace(/\.$/, '').toLowerCase()
  const sound = bare.length <= 253 && bare.split('.').every((label) => /^[!-~]{1,63}$/.test(label))
  if (!sound) throw new NamesInvalid(`${JSON.stringify(name)} cannot be a name in a network`)
  return bare
}

function checkedId(id: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/.test(id))
    throw new NamesInvalid(`invalid network id ${JSON.stringify(id)}`)
  return id
}

function configText({ networks, upstreams, internal, filter }: ResolverConfig): string {
  if (networks.length > MAX_NETWORKS)
    throw new NamesInvalid(`a container can use the names of ${MAX_NETWORKS} networks at most`)
  const lines = [
    ...networks.map((id) => `network ${checkedId(id)}`),
    ...upstreams.slice(0, 3).map((address) => `upstream ${checkedUpstream(address)}`),
    ...(internal ? ['internal'] : []),
    ...(filter?.allow ?? []).flatMap((rule) => ruleLine('allow', rule)),
    ...(filter?.deny ?? []).flatMap((rule) => ruleLine('deny', rule)),
  ]
  return `${lines.join('\n')}\n`
}

function checkedUpstream(address: string): string {
  if (!/^[0-9a-fA-F:.[\]]{2,60}$/.test(address)) throw new NamesInvalid(`invalid resolver ${JSON.stringify(address)}`)
  return address
}

/** Addresses are the packet filter's business. */
function ruleLine(word: 'allow' | 'deny', rule: NetRule): readonly string[] {
  return rule.kind === 'name' ? [`${word} ${rule.pattern} ${rule.protocol ?? '*'} ${rule.port ?? '*'}`] : []
}

interface NewFile {
  readonly name: string
  readonly text: string
  readonly maxBytes: number
}

/** @param path - directories to be made, each below the one before */
function replaceFile(path: readonly string[], { name, text, maxBytes }: NewFile): void {
  if (Buffer.byteLength(text) > maxBytes) throw new NamesInvalid(`more names or rules than fit into ${maxBytes} bytes`)
  for (const directory of path) makePassable(directory)
  const file = join(path.at(-1) ?? '', name)
  const aside = `${file}.${randomHex(6)}`
  try {
    writeFileSync(aside, text, { flag: 'wx' })
    chmodSync(aside, 0o644) // whatever the user's umask
    renameSync(aside, file)
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  }
}

function makePassable(directory: string): void {
  const made = mkdirSync(directory, { recursive: true })
  if (made !== undefined) chmodSync(directory, 0o711)
}
