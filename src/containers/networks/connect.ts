/** `network connect` and `network disconnect`: a container's networks change, at once where it runs. */
import { InvalidArgument } from '../../errors.ts'
import { BridgeNeedsRoot, NotConnected } from '../../network/errors.ts'
import { helperMode } from '../../network/helpers/choose.ts'
import { DEFAULT_NETWORK, defaultNetwork } from '../../network/predefined.ts'
import { findNetwork } from '../../network/records.ts'
import { containerRunDirectory } from '../../paths.ts'
import { isAlive } from '../../util/process-identity.ts'
import type { NetworkAttachment } from '../config.ts'
import { ContainerNotRunning, StateConflict } from '../errors.ts'
import { findContainer } from '../find.ts'
import type { ConnectFlags } from '../flags.ts'
import { holding } from '../hold.ts'
import { isRootless } from '../host.ts'
import { attachment, checkedAddress, checkedAlias, parseLink } from '../parse/network.ts'
import { type ContainerRecord, changeRecord, readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { keepPorts } from './idle-ports.ts'
import { requestOf } from './join.ts'
import { connections, removeInner, reroute } from './reroute.ts'
import { checkAttachment } from './settle.ts'

/** See `ContainerEngine.connect`. @throws {AlreadyConnected} @throws {NetworkNotFound} */
export async function connectContainer(
  room: ContainerRoom,
  name: string,
  { network, flags }: { readonly network: string; readonly flags: ConnectFlags },
): Promise<void> {
  const { id } = await findContainer(room, name)
  const wanted = await attachmentOf(room, network, flags)
  await holding(room, id, async () => {
    const record = current(room, id)
    refuseAlone(record, wanted.Name)
    const networks = record.settings.host.Networks ?? []
    if (networks.some(({ Name }) => Name === wanted.Name)) {
      const { AlreadyConnected } = await import('../../network/errors.ts')
      throw new AlreadyConnected(record.name, wanted.Name)
    }
    const links = (flags.link ?? []).map(parseLink)
    // On record before it is made: whoever is cut short leaves what `disconnect`, or the container's end, takes away.
    changeNetworks(room, record, { networks: [...networks, wanted], links })
    if (record.process !== undefined) await connectRunning(room, record, wanted)
  })
}

async function attachmentOf(room: ContainerRoom, network: string, flags: ConnectFlags): Promise<NetworkAttachment> {
  const Name =
    network === DEFAULT_NETWORK
      ? defaultNetwork(room).name
      : (specialName(network) ?? findNetwork(room.database, network).name)
  const wanted = attachment({
    Name,
    Aliases: (flags.alias ?? []).map(checkedAlias),
    IPv4Address: flags.ip === undefined ? '' : checkedAddress(flags.ip, 4, 'ip'),
    IPv6Address: flags.ip6 === undefined ? '' : checkedAddress(flags.ip6, 6, 'ip6'),
  })
  checkAttachment(room, wanted)
  return wanted
}

function specialName(network: string): undefined {
  if (network === 'host') throw new InvalidArgument('container cannot be connected to host network')
  if (network === 'none') throw new InvalidArgument('container cannot be connected to network none: that is none')
  return undefined
}

/** @throws {InvalidArgument} its network namespace is somebody else's, or can have nothing but loopback */
function refuseAlone({ settings, name }: ContainerRecord, network: string): void {
  const mode = settings.host.NetworkMode
  if (isRootless()) throw new BridgeNeedsRoot(network)
  if (mode === 'host')
    throw new InvalidArgument('container sharing the host network cannot be connected to another network')
  if (helperMode(mode) !== undefined)
    throw new InvalidArgument(`container ${name} is on network ${mode}, which goes with no other one`, {
      hint: 'make it again with --network, as root',
    })
  if (mode.startsWith('container:'))
    throw new InvalidArgument(
      `container ${name} shares the network of another container and cannot be connected to ${network}`,
    )
}

async function connectRunning(room: ContainerRoom, record: ContainerRecord, wanted: NetworkAttachment): Promise<void> {
  const { process, settings } = record
  if (process === undefined) return
  const { joinNetworks, wiringSteps } = await import('../../network/attach.ts')
  const before = connections(room, record.id)
  const routed = before.some(({ network }) => !network.internal)
  const named = { id: record.id, name: record.name, hostname: settings.config.Hostname }
  try {
    const connected = await joinNetworks(room, record, [requestOf(wanted, named)])
    const { wireRunning } = await import('../../linux/wire.ts')
    const steps = wiringSteps(connected, { routed, rate: settings.host.NetworkRate })
    await wireRunning(process, { host: [...steps.before, ...steps.after], child: steps.child })
    await reroute(room, record)
  } catch (error) {
    const known = new Set(before.map(({ endpoint }) => endpoint.id))
    const made = connections(room, record.id).filter(({ endpoint }) => !known.has(endpoint.id))
    const { leave } = await import('../../network/release.ts')
    await leave(
      room,
      made.map(({ endpoint }) => endpoint),
    )
    await removeInner(record, made)
    changeRecord(room.database, record.id, { settings })
    if (!isAlive(process)) throw new ContainerNotRunning({ ...record, state: 'exited' }, { cause: error })
    throw error
  }
}

/** See `ContainerEngine.disconnect`. @throws {NotConnected} @throws {NetworkNotFound} */
export async function disconnectContainer(
  room: ContainerRoom,
  name: string,
  { network, force }: { readonly network: string; readonly force: boolean },
): Promise<void> {
  const { id } = await findContainer(room, name)
  await holding(room, id, async () => {
    const record = current(room, id)
    const networks = record.settings.host.Networks ?? []
    const Name = nameToLeave(room, networks, network)
    if (!networks.some((one) => one.Name === Name)) {
      if (force) return
      throw new NotConnected(record.name, Name)
    }
    const left = connections(room, id).filter((one) => one.network.name === Name)
    const endpoints = left.map(({ endpoint }) => endpoint)
    if (endpoints.length > 0) {
      const { leave } = await import('../../network/release.ts')
      await removeInner(record, left)
      // First, because they are forgotten with the endpoint.
      keepPorts(
        containerRunDirectory(room.paths, id),
        endpoints.flatMap(({ ports }) => ports),
      )
      await leave(room, endpoints)
    }
    // Also where somebody was cut short before it.
    await reroute(room, record, { hasLeft: true })
    changeNetworks(room, record, { networks: networks.filter((one) => one.Name !== Name), links: [] })
  })
}

/** Of a network that was removed the container still has the name, and could not start before it is rid of it. */
function nameToLeave({ database }: ContainerRoom, networks: readonly NetworkAttachment[], typed: string): string {
  return (
    networks.find(({ Name }) => Name === typed)?.Name ??
    (typed === DEFAULT_NETWORK ? typed : findNetwork(database, typed).name)
  )
}

/** Read under the lock. */
function current(room: ContainerRoom, id: string): ContainerRecord {
  const record = readRecord(room.database, id)
  if (record === undefined || record.state === 'removing') throw new StateConflict(id, 'gone', 'connected')
  return record
}

function changeNetworks(
  room: ContainerRoom,
  { id, settings }: ContainerRecord,
  { networks, links }: { readonly networks: readonly NetworkAttachment[]; readonly links: readonly string[] },
): void {
  const { host } = settings
  changeRecord(room.database, id, {
    settings: {
      ...settings,
      host: {
        ...host,
        NetworkMode: networks[0]?.Name ?? 'none',
        Networks: [...networks],
        Links: [...(host.Links ?? []), ...links],
      },
    },
  })
}
