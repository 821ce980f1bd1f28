/** Where a registry is reached: its mirrors in order, then itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificateDirectories } from './certificates.ts'
import type { RegistryConfiguration } from './configuration.ts'
import { parseHostsToml } from './hosts-toml.ts'
import { isLoopback, matchesHost } from './networks.ts'

export interface Endpoint {
  /** `https://registry.example:5000/v2` */
  readonly base: URL
  /** Mirrors never get the origin's credentials, and are only read from. */
  readonly mirror: boolean
  /** Any certificate will do. */
  readonly skipVerify: boolean
  /** The key of credentials and of certs.d: `registry.example:5000`. */
  readonly host: string
}

const HUB_HOST = 'registry-1.docker.io'

/** @param action - pushes go to the origin alone */
export function endpointsOf(
  registry: string,
  action: 'pull' | 'push',
  configuration: RegistryConfiguration,
): readonly Endpoint[] {
  const host = registry === 'docker.io' ? HUB_HOST : registry
  const origin = endpoint(isPlain(host, configuration) ? `http://${host}` : `https://${host}`, false, configuration)
  if (action === 'push') return [origin]
  const hub = registry === 'docker.io' ? configuration.mirrors : []
  const mirrors = [...hostsFile(registry), ...hub.map((url) => ({ url, skipVerify: false }))]
  return [...mirrors.map(({ url, skipVerify }) => ({ ...endpoint(url, true, configuration), skipVerify })), origin]
}

function endpoint(url: string, mirror: boolean, configuration: RegistryConfiguration): Endpoint {
  const base = new URL(url)
  if (!/\/v2\/?$/.test(base.pathname)) base.pathname = `${base.pathname.replace(/\/$/, '')}/v2`
  const skipVerify = base.protocol === 'https:' && isInsecure(base, configuration)
  return { base, mirror, skipVerify, host: base.host }
}

/** Plain http: on loopback, where nobody listens in, and where the configuration says so. */
function isPlain(host: string, configuration: RegistryConfiguration): boolean {
  const { hostname } = new URL(`http://${host}`)
  const tls = certificateDirectories().some((directory) => hasEntries(join(directory, host)))
  return !tls && (isLoopback(hostname) || isInsecure(new URL(`http://${host}`), configuration))
}

function isInsecure({ hostname, port, protocol }: URL, { insecure }: RegistryConfiguration): boolean {
  const number = port === '' ? (protocol === 'http:' ? '80' : '443') : port
  return matchesHost(insecure, hostname.replace(/^\[|\]$/g, ''), number)
}

function hasEntries(directory: string): boolean {
  return ['ca.crt', 'client.cert', 'hosts.toml'].some((name) => readOrNothing(join(directory, name)) !== undefined)
}

/** containerd's hosts.toml beside the certificates. */
function hostsFile(registry: string): readonly { readonly url: string; readonly skipVerify: boolean }[] {
  for (const directory of certificateDirectories()) {
    const text = readOrNothing(join(directory, registry, 'hosts.toml'))
    if (text !== undefined) return parseHostsToml(text).filter(({ capabilities }) => capabilities.includes('pull'))
  }
  return []
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
