/** The name server of a container's own: on networks with names, and where rules say which names there are. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostStep } from '../../linux/plan.ts'
import type { NetFilter } from '../../network/names/types.ts'
import { DEFAULT_NETWORK } from '../../network/predefined.ts'
import { namesDirectory } from '../../network/publish-names.ts'
import type { Connected } from '../../network/types.ts'
import type { ContainerId } from '../../plugins/contract.ts'
import { hostFiles } from '../bundle.ts'
import type { HostConfig } from '../config.ts'
import type { Draft } from '../draft.ts'
import { readHostFile } from '../host-file.ts'
import { ANYWHERE } from '../parse/net-rules.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { hasNetRules } from '../spec/capabilities.ts'

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
  const filter = hasNetRules(host)
  const step = { do: 'resolver', directory: resolverDirectory(place.directory), names: namesDirectory(room) } as const
  rmSync(configFile(place.directory), { force: true }) // of an earlier run
  if (!hasNames(place) && !filter) return { address: undefined, steps: [{ ...step, port: 0, filter }] }
  const { port, rules } = await prepare(room, draft.settings, place)
  return { address: RESOLVER, steps: [rules, { ...step, port, filter }] }
}

/** For a container that runs: its resolver learns of the change, or comes to be with the first network that has names. */
export async function refreshResolver(
  room: ContainerRoom,
  { id, settings, process }: Pick<ContainerRecord, 'id' | 'settings' | 'process'>,
  place: Place & { readonly run: string },
): Promise<void> {
  if (existsSync(configFile(place.directory))) return writeConfig(settings, place)
  if (!hasNames(place) || process === undefined) return
  const { port, rules } = await prepare(room, settings, place)
  const [{ wireRunning }, { connectSupervisor }] = await Promise.all([
    import('../../linux/wire.ts'),
    import('../../linux/supervisor-client.ts'),
  ])
  await wireRunning(process, { host: [rules], child: [] })
  const supervisor = await connectSupervisor(place.run)
  if (supervisor === undefined) return // it is just ending
  try {
    await supervisor.startResolver(port)
  } finally {
    supervisor.close()
  }
  const files = hostFiles({ id: id as ContainerId, settings }, { resolver: RESOLVER })
  // In place, because it is the file itself that the container sees.
  writeFileSync(join(place.directory, 'resolv.conf'), files.resolv)
}

function hasNames({ connected }: Place): boolean {
  return connected.some(({ network }) => network.name !== DEFAULT_NETWORK)
}

async function prepare(
  room: ContainerRoom,
  settings: Draft['settings'],
  place: Place,
): Promise<{ readonly port: number; readonly rules: HostStep }> {
  const [{ chooseResolverPort, resolverRules }, { findNft }] = await Promise.all([
    import('../../network/names/rules.ts'),
    import('../../network/rules/nft.ts'),
  ])
  await writeConfig(settings, place)
  mkdirSync(namesDirectory(room), { recursive: true, mode: 0o711 })
  const port = chooseResolverPort()
  return { port, rules: { do: 'net-rules', nft: findNft(), text: resolverRules(port, await filterOf(settings.host)) } }
}

/** It holds what the resolver is to know, and what was refused. */
export function resolverDirectory(data: string): string {
  return join(data, 'dns')
}

/** There for as long as there is a resolver. */
function configFile(data: string): string {
  return join(resolverDirectory(data), 'config')
}

async function writeConfig({ host }: Draft['settings'], { directory, connected }: Place): Promise<void> {
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
async function filterOf(host: HostConfig): Promise<NetFilter | undefined> {
  if (!hasNetRules(host)) return undefined
  const { parseNetRule } = await import('../../network/names/parse.ts')
  const { AllowNet = ANYWHERE, DenyNet = [] } = host
  return { allow: AllowNet.map(parseNetRule), deny: DenyNet.map(parseNetRule) }
}
