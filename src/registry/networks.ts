/** Does a host belong to a list such as `NO_PROXY` or `insecure-registries`? */
import { BlockList, isIP } from 'node:net'

/** @param host - without port and brackets */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  )
}

/** Entries: `host`, `host:port`, `.suffix`, `*.suffix`, an address, a network in CIDR form, `*`. */
export function matchesHost(entries: readonly string[], host: string, port: string): boolean {
  return entries.some((entry) => matches(entry.trim().toLowerCase(), host.toLowerCase(), port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false
  if (entry === '*') return true
  if (entry.includes('/')) return isInNetwork(entry, host)
  const withPort = /^(\[[^\]]*\]|[^:]+):(\d+)$/.exec(entry)
  if (withPort !== null && withPort[2] !== port) return false
  const name = (withPort?.[1] ?? entry).replace(/^\[|\]$/g, '')
  if (name.startsWith('*.')) return host.endsWith(name.slice(1))
  if (name.startsWith('.')) return host.endsWith(name) || host === name.slice(1)
  return host === name
}

function isInNetwork(network: string, host: string): boolean {
  const [address = '', bits = ''] = network.split('/')
  const family = isIP(address)
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false
  const list = new BlockList()
  const type = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(address, Number(bits), type)
  return list.check(host, type)
}
