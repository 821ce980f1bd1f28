/** `--allow-net` and `--deny-net`, in Deno's words. */
import { isIPv4, isIPv6 } from 'node:net'
import { NetRuleInvalid } from './errors.ts'
import type { AddressRule, NetPort, NetProtocol, NetRule } from './types.ts'

/** Several rules, with commas between them. @throws {NetRuleInvalid} */
export function parseNetRules(text: string): readonly NetRule[] {
  return text.split(',').map(parseNetRule)
}

/**
 * `host`, `*.host`, `10.0.0.1`, `10.0.0.0/8` or `[fd00::1]`, then `:port`, then `/tcp` or `/udp`.
 *
 * @throws {NetRuleInvalid}
 */
export function parseNetRule(text: string): NetRule {
  if (text.length > 300) throw new NetRuleInvalid(`${text.slice(0, 40)}…`, 'it is too long')
  const { host = '', protocol } = SHAPE.exec(text)?.groups ?? {}
  const groups = FORMS.map((form) => form.exec(host)?.groups).find((found) => found !== undefined)
  if (groups === undefined) throw new NetRuleInvalid(text, 'it is neither a name nor an address')
  const { name, address, prefix, port } = groups
  const where = parsePort(text, port, protocol)
  if (address !== undefined) return { ...parseAddresses(text, address, prefix), ...where }
  return { kind: 'name', pattern: parsePattern(text, name ?? ''), ...where }
}

const SHAPE = /^(?<host>.*?)(?:\/(?<protocol>tcp|udp))?$/s
const PORT = `(?::(?<port>[^:]*))?`
const FORMS = [
  new RegExp(String.raw`^\[(?<address>[0-9a-fA-F:.]+)(?:/(?<prefix>\d{1,3}))?\]${PORT}$`),
  // Colons of its own: a port could not be told from them.
  /^(?<address>[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*)$/,
  new RegExp(String.raw`^(?<address>[0-9a-fA-F:.]+)/(?<prefix>\d{1,3})${PORT}$`),
  new RegExp(String.raw`^(?<address>\d+\.\d+\.\d+\.\d+)${PORT}$`),
  new RegExp(String.raw`^(?<name>[^:/[\]]+)${PORT}$`),
]

function parsePort(rule: string, port: string | undefined, protocol: string | undefined): NetPort {
  if (port === undefined) {
    if (protocol !== undefined) throw new NetRuleInvalid(rule, 'a protocol needs a port')
    return {}
  }
  const number = Number(port)
  if (!/^\d{1,5}$/.test(port) || number < 1 || number > 65_535)
    throw new NetRuleInvalid(rule, `${JSON.stringify(port)} is no port`)
  return { port: number, ...(protocol === undefined ? {} : { protocol: protocol as NetProtocol }) }
}

function parseAddresses(rule: string, address: string, prefix: string | undefined): AddressRule {
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : undefined
  if (family === undefined) throw new NetRuleInvalid(rule, `${JSON.stringify(address)} is no address`)
  const most = family === 4 ? 32 : 128
  const length = prefix === undefined ? most : Number(prefix)
  if (length > most) throw new NetRuleInvalid(rule, `a prefix has ${most} bits at most`)
  return { kind: 'addresses', family, cidr: `${address.toLowerCase()}/${length}` }
}

function parsePattern(rule: string, name: string): string {
  if (name === '*') return name
  const pattern = name.toLowerCase().replace(/\.$/, '')
  const labels = pattern.replace(/^\*\./, '').split('.')
  if (pattern.length > 253 || !labels.every((label) => LABEL.test(label)))
    throw new NetRuleInvalid(rule, `${JSON.stringify(name)} is no name`)
  // What looks like an address would be asked for by nobody.
  if (/^\d+$/.test(labels.at(-1) ?? '')) throw new NetRuleInvalid(rule, `${JSON.stringify(name)} is no address`)
  return pattern
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
