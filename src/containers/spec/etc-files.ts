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
  /** The container's own, one for each network; none of its own: a loopback one. */
  readonly addresses?: readonly string[]
  /** A name server of the container's networks answers here. */
  readonly resolver?: string | undefined
  /** Answers for the name servers of the host: for those that cannot be reached from inside, or for all of them. */
  readonly forwarder?: { readonly address: string; readonly always: boolean }
  /** Lines of /etc/hosts for containers it is linked to. */
  readonly links?: readonly string[]
  /** What `host-gateway` stands for. */
  readonly hostGateway?: string | undefined
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

function hosts({
  hostname,
  domainname,
  extraHosts,
  networkHost,
  host,
  addresses = [],
  links = [],
  hostGateway,
}: EtcOptions): string {
  const extra = extraHosts.flatMap((entry) => {
    const colon = entry.indexOf(':')
    const address = entry.slice(colon + 1) === 'host-gateway' ? hostGateway : entry.slice(colon + 1)
    return address === undefined ? [] : [`${address}\t${entry.slice(0, colon)}`]
  })
  if (networkHost) return `${[host.hosts.trimEnd(), ...extra].join('\n')}\n`
  const qualified = domainname === '' ? hostname : `${hostname}.${domainname} ${hostname}`
  const own = (addresses.length === 0 ? ['127.0.1.1'] : addresses).map((address) => `${address}\t${qualified}`)
  return `${[...LOCAL_HOSTS, ...extra, ...links, ...own].join('\n')}\n`
}

/** The host's file with what the flags replace; name servers on the host's loopback cannot be reached from inside. */
function resolv({ dns, dnsSearch, dnsOptions, networkHost, host, resolver, forwarder }: EtcOptions): string {
  const lines = host.resolv.split('\n').map((line) => line.trim())
  const kept = (keyword: string) => lines.filter((line) => line.split(/\s+/)[0] === keyword)
  const reachable = kept('nameserver').filter((line) => networkHost || !/\s(?:127\.|::1(?:%|$))/.test(line))
  const forwards = forwarder !== undefined && (forwarder.always || reachable.length === 0)
  const servers = forwards ? [`nameserver ${forwarder.address}`] : reachable
  const search = dnsSearch.filter((domain) => domain !== '.').join(' ')
  return `${[
    ...(resolver !== undefined
      ? [`nameserver ${resolver}`]
      : dns.length > 0
        ? dns.map((address) => `nameserver ${address}`)
        : servers),
    ...(dnsSearch.length > 0 ? (search === '' ? [] : [`search ${search}`]) : [...kept('search'), ...kept('domain')]),
    ...optionLines({ dnsOptions, kept: kept('options'), resolver }),
  ].join('\n')}\n`
}

/** docker's resolver answers names without a dot itself. */
function optionLines({
  dnsOptions,
  kept,
  resolver,
}: Pick<EtcOptions, 'dnsOptions' | 'resolver'> & { kept: readonly string[] }): readonly string[] {
  const words = dnsOptions.length > 0 ? [...dnsOptions] : kept.flatMap((line) => line.split(/\s+/).slice(1))
  if (resolver !== undefined && !words.some((word) => word.startsWith('ndots:'))) words.push('ndots:0')
  return words.length === 0 ? [] : [`options ${words.join(' ')}`]
}
