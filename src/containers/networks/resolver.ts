/** The name server of a container's own: on networks with names, and where rules say which names there are. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { HostStep } from '../../linux/plan.ts'
import type { NetFilter } from '../../network/names/types.ts'
import { DEFAULT_NETWORK } from '../../network/predefined.ts'
import { namesDirectory } from '../../network/publish-names.ts'
import type { Connected } from '../../network/types.ts'
import type { HostConfig } from '../config.ts'
import type { Draft } from '../draft.ts'
import { readHostFile } from '../host-file.ts'
import type { ContainerRoom } from '../room.ts'

/** Where containers find it, as with docker. */
const RESOLVER = '127.0.0.11'
export interface ContainerResolver {
  /** For resolv.conf; undefined: the container asks the host's name servers itself. */
  readonly address: string | undefined
  readonly steps: readonly HostStep[]
}

interface Place {
  /** The container's own. */
  readonly directory: string
  readonly connected: readonly Connected[]
}

export async function resolverFor(room: ContainerRoom, draft: Draft, place: Place): Promise<ContainerResolver> {
  const { host } = draft.settings
  const filter = host.AllowNet !== undefined || host.DenyNet !== undefined
  const named = place.connected.some(({ network }) => network.name !== DEFAULT_NETWORK)
  if (!named && !filter) return { address: undefined, steps: [] }
  const [{ chooseResolverPort, resolverRules }, { findNft }] = await Promise.all([
    import('../../network/names/rules.ts'),
    import('../../network/rules/nft.ts'),
  ])
  const directory = resolverDirectory(place.directory)
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  await writeResolver(draft.settings, place)
  const port = chooseResolverPort()
  return {
    address: RESOLVER,
    steps: [
      { do: 'net-rules', nft: findNft(), text: resolverRules(port, await filterOf(host)) },
      { do: 'resolver', directory, names: namesDirectory(room), port, filter },
    ],
  }
}

/** It holds what the resolver is to know, and what was refused. */
export function resolverDirectory(data: string): string {
  return join(data, 'dns')
}

/** For one that runs: it looks again with its next question. Nothing for a container that has none. */
export async function refreshResolver(settings: Draft['settings'], place: Place): Promise<void> {
  if (existsSync(resolverDirectory(place.directory))) await writeResolver(settings, place)
}

async function writeResolver({ host }: Draft['settings'], { directory, connected }: Place): Promise<void> {
  const { writeResolverConfig } = await import('../../network/names/files.ts')
  const { readUpstreams } = await import('../../network/names/upstreams.ts')
  const filter = await filterOf(host)
  writeResolverConfig(resolverDirectory(directory), {
    networks: connected.filter(({ network }) => network.name !== DEFAULT_NETWORK).map(({ network }) => network.id),
    // Also those on the host's loopback: the resolver asks them from there.
    upstreams: host.Dns.length > 0 ? host.Dns : readUpstreams(readHostFile('/etc/resolv.conf')),
    internal: connected.every(({ network }) => network.internal),
    ...(filter && { filter }),
  })
}

/** What is not allowed is refused, and what is denied; where nothing is allowed explicitly, everything else is. */
async function filterOf({ AllowNet, DenyNet }: HostConfig): Promise<NetFilter | undefined> {
  if (AllowNet === undefined && DenyNet === undefined) return undefined
  const { parseNetRule } = await import('../../network/names/parse.ts')
  const allow = AllowNet ?? ['*', '0.0.0.0/0', '::/0']
  return { allow: allow.map(parseNetRule), deny: (DenyNet ?? []).map(parseNetRule) }
}
