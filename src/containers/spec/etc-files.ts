/** /etc/hosts, /etc/hostname and /etc/resolv.conf of a container, as docker writes them. */

export interface EtcFiles {
  readonly hosts: string
  readonly hostname: string
  readonly resolv: string
}

export interface EtcOptions {
  readonly hostname: string
  readonly domainname: string
  readonly extraHosts: readonly string[]
  readonly dns: readonly string[]
  readonly dnsSearch: readonly string[]
  readonly dnsOptions: readonly string[]
  readonly networkHost: boolean
  /** The host's own files, for what is taken over from them. */
  readonly host: Pick<EtcFiles, 'hosts' | 'resolv'>
}

const LOCAL_HOSTS = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
]

export function etcFiles(options: EtcOptions): EtcFiles {
  return { hosts: hosts(options), hostname: `${options.hostname}\n`, resolv: resolv(options) }
}

function hosts({ hostname, domainname, extraHosts, networkHost, host }: EtcOptions): string {
  const extra = extraHosts.map((entry) => {
    const colon = entry.indexOf(':')
    return `${entry.slice(colon + 1)}\t${entry.slice(0, colon)}`
  })
  if (networkHost) return `${[host.hosts.trimEnd(), ...extra].join('\n')}\n`
  const qualified = domainname === '' ? hostname : `${hostname}.${domainname} ${hostname}`
  return `${[...LOCAL_HOSTS, ...extra, `127.0.1.1\t${qualified}`].join('\n')}\n`
}

/** The host's file with what the flags replace; name servers on the host's loopback cannot be reached from inside. */
function resolv({ dns, dnsSearch, dnsOptions, networkHost, host }: EtcOptions): string {
  const lines = host.resolv.split('\n').map((line) => line.trim())
  const kept = (keyword: string) => lines.filter((line) => line.split(/\s+/)[0] === keyword)
  const servers = networkHost
    ? kept('nameserver')
    : kept('nameserver').filter((line) => !/\s(?:127\.|::1(?:%|$))/.test(line))
  const search = dnsSearch.filter((domain) => domain !== '.').join(' ')
  return `${[
    ...(dns.length > 0 ? dns.map((address) => `nameserver ${address}`) : servers),
    ...(dnsSearch.length > 0 ? (search === '' ? [] : [`search ${search}`]) : [...kept('search'), ...kept('domain')]),
    ...(dnsOptions.length > 0 ? [`options ${dnsOptions.join(' ')}`] : kept('options')),
  ].join('\n')}\n`
}
