/** Where a registry is reached: its mirrors in order, then itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificateDirectories, certificateFiles } from './certificates.ts'
import type { RegistryConfiguration } from './configuration.ts'
import { type MirrorHost, parseHostsToml } from './hosts-toml.ts'
import { isLoopback, matchesHost } from './networks.ts'

export interface Endpoint {
  /** `https://registry.example:5000/v2` */
  readonly base: URL
  /** Tried where nothing answers at `base`: the configuration allows plain http. */
  readonly plainBase?: URL
  /** Mirrors never get the origin's credentials, and are only read from. */
  readonly mirror: boolean
  /** Any certificate will do. */
  readonly skipVerify: boolean
  /** The key of credentials and of certs.d: `registry.example:5000`. */
  readonly host: string
  /** Tags are asked for here; a mirror may be good for digests only. */
  readonly resolves: boolean
  /** Sent to mirrors, which may serve many registries: `docker.io`. */
  readonly namespace?: string
}

const HUB_HOST = 'registry-1.docker.io'

/** @param action - pushes go to the origin alone */
export function endpointsOf(
  registry: string,
  action: 'pull' | 'push',
  configuration: RegistryConfiguration,
): readonly Endpoint[] {
  const host = registry === 'docker.io' ? HUB_HOST : registry
  const origin = originOf(host, configuration)
  if (action === 'push') return [origin]
  const hub = registry === 'docker.io' ? configuration.mirrors.filter((url) => URL.canParse(url)) : []
  return [
    ...hostsFile(registry).map((mirror) => mirrorOf(mirror, registry, configuration)),
    ...hub.map((url) => mirrorOf({ ...PLAIN_MIRROR, url }, undefined, configuration)),
    origin,
  ]
}

/** Plain http: on loopback, where nobody listens in, and where the configuration says so and TLS is not answered. */
function originOf(host: string, configuration: RegistryConfiguration): Endpoint {
  const [base, plainBase] = [new URL(`https://${host}/v2`), new URL(`http://${host}/v2`)]
  const insecure = isInsecure(base, configuration) || isInsecure(plainBase, configuration)
  const common = { mirror: false, host: base.host, resolves: true }
  const files = certificateFiles(host)
  const certified = files.some((name) => /\.(?:crt|cert)$/.test(name))
  if (insecure && !certified) return { ...common, base, plainBase, skipVerify: true }
  const plain = files.length === 0 && isLoopback(unbracketed(base.hostname))
  return { ...common, base: plain ? plainBase : base, skipVerify: insecure && !plain }
}

const PLAIN_MIRROR = { capabilities: ['pull', 'resolve'], skipVerify: false, overridePath: false }

function mirrorOf(
  { url, capabilities, skipVerify, overridePath }: MirrorHost,
  namespace: string | undefined,
  configuration: RegistryConfiguration,
): Endpoint {
  const base = new URL(url)
  if (!overridePath && !/\/v2\/?$/.test(base.pathname)) base.pathname = `${base.pathname.replace(/\/$/, '')}/v2`
  return {
    base,
    mirror: true,
    skipVerify: base.protocol === 'https:' && (skipVerify || isInsecure(base, configuration)),
    host: base.host,
    resolves: capabilities.includes('resolve'),
    ...(namespace !== undefined && { namespace }),
  }
}

function isInsecure({ hostname, port, protocol }: URL, { insecure }: RegistryConfiguration): boolean {
  const number = port === '' ? (protocol === 'http:' ? '80' : '443') : port
  return matchesHost(insecure, unbracketed(hostname), number)
}

function unbracketed(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** containerd's hosts.toml beside the certificates. */
function hostsFile(registry: string): readonly MirrorHost[] {
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
