/** `-p`, `-P`: which ports of the host lead to a container about to run, and what holds them. */
import type { HostStep } from '../../linux/plan.ts'
import { isSix } from '../../network/cidr.ts'
import { isBridged } from '../../network/drivers.ts'
import { PortTaken } from '../../network/errors.ts'
import { bridgeOf, linkOf } from '../../network/link-names.ts'
import { type PortSpec, parseExpose, parsePublish } from '../../network/ports/parse.ts'
import type { Connected, PublishedPort } from '../../network/types.ts'
import type { NetworkSteps } from '../../plugins/contract.ts'
import { randomBelow } from '../../util/random.ts'
import type { Draft } from '../draft.ts'
import type { ContainerRoom } from '../room.ts'

const NOTHING = { before: [], after: [] }
/** How often others may take the ports that we have just found free. */
const ATTEMPTS = 20

/** Through the first network that leads out. Nothing is published from one that does not. */
export async function publishFor(
  room: ContainerRoom,
  { settings }: Draft,
  connected: readonly Connected[],
): Promise<Pick<NetworkSteps, 'before' | 'after'>> {
  const wanted = wantedPorts(settings)
  const way = connected.find(({ network }) => !network.internal && isBridged({ network }))
  if (wanted.length === 0 || way === undefined) return NOTHING
  const ports = await takePorts(room, way, wanted)
  if (ports.length === 0) return NOTHING
  const { before, after } = await leadSteps(way, ports)
  return { before: [...ports.map(holdStep), ...before], after }
}

/** How packets to these ports come to the endpoint. */
async function leadSteps(
  { network, endpoint }: Connected,
  ports: readonly PublishedPort[],
): Promise<Pick<NetworkSteps, 'before' | 'after'>> {
  const { additions, portElements } = await import('../../network/rules/elements.ts')
  return {
    before: [...additions(portElements(network.id, ports)), localStep(network.id)],
    after: [hairpinStep(endpoint.id)],
  }
}

/** The ports of a running container lead there from now on, which are still held; stored first. */
export async function movePorts(
  room: ContainerRoom,
  way: Connected,
  ports: readonly PublishedPort[],
): Promise<readonly HostStep[]> {
  const { storePorts } = await import('../../network/attach.ts')
  const { ipv4, ipv6 } = way.endpoint
  const moved = ports.flatMap((port) => {
    const containerIp = isSix(port.containerIp) ? ipv6 : ipv4
    return containerIp === undefined ? [] : [{ ...port, containerIp }]
  })
  if (moved.length === 0) return []
  storePorts(room, way, moved)
  const { before, after } = await leadSteps(way, moved)
  return [...before, ...after]
}

/** What `-p` names, and with `-P` all that is exposed. */
export function wantedPorts({ host, config }: Draft['settings']): readonly PortSpec[] {
  const exposed = host.PublishAllPorts ? Object.keys(config.ExposedPorts ?? {}) : []
  return [...(host.Publish ?? []).flatMap(parsePublish), ...exposed.flatMap(exposedSpec)]
}

function exposedSpec(key: string): readonly PortSpec[] {
  return parseExpose(key).map((one): PortSpec => {
    const [port = '', protocol = 'tcp'] = one.split('/')
    return {
      protocol: protocol as PortSpec['protocol'],
      containerPort: Number(port),
      hostIp: '',
      hostPorts: undefined,
    }
  })
}

/** Chosen and stored. What was free a moment ago may be another container's by now: then others are chosen. */
async function takePorts(
  room: ContainerRoom,
  way: Connected,
  specs: readonly PortSpec[],
): Promise<readonly PublishedPort[]> {
  const { storePorts } = await import('../../network/attach.ts')
  const isChoice = specs.some(({ hostPorts }) => hostPorts === undefined || hostPorts[0] !== hostPorts[1])
  for (let attempt = 1; ; attempt += 1) {
    const ports = await choosePorts(way, specs)
    try {
      storePorts(room, way, ports)
      return ports
    } catch (error) {
      if (!(error instanceof PortTaken && isChoice) || attempt === ATTEMPTS) throw error
    }
  }
}

async function choosePorts({ network, endpoint }: Connected, specs: readonly PortSpec[]): Promise<PublishedPort[]> {
  const { clashes, defaultAddresses, places } = await import('../../network/ports/place.ts')
  const defaults = defaultAddresses(network.options, process.env)
  const ports: PublishedPort[] = []
  for (const spec of specs) {
    const found = places(spec, endpoint, defaults)
    if (found.length === 0) continue
    const at = (hostPort: number) => found.map((place): PublishedPort => ({ ...place, hostPort }))
    const isOurs = (hostPort: number) => at(hostPort).some((one) => ports.some((port) => clashes(one, port)))
    const addresses = found.map(({ hostIp }) => hostIp)
    ports.push(...at(await choosePort(spec, addresses, isOurs)))
  }
  return ports
}

/** docker's range for ports that nobody chose. */
const FIRST_RANDOM = 32_768
const LAST_RANDOM = 60_999

/** The one that is asked for, taken or not; of several a free one. */
export async function choosePort(
  { protocol, hostPorts }: PortSpec,
  addresses: readonly string[],
  isTaken: (port: number) => boolean,
): Promise<number> {
  if (hostPorts !== undefined && hostPorts[0] === hostPorts[1]) return hostPorts[0]
  const [first, last] = hostPorts ?? [FIRST_RANDOM, LAST_RANDOM]
  const start = hostPorts === undefined ? first + randomBelow(last + 1 - first) : first
  const { freePort } = await import('./free-port.ts')
  return freePort({ protocol, addresses, first, last, start, isTaken })
}

function holdStep({ protocol, hostIp, hostPort }: PublishedPort): HostStep {
  return { do: 'hold-port', protocol, address: hostIp, port: hostPort }
}

/** So that 127.0.0.1 of the host leads in as well. */
function localStep(networkId: string): HostStep {
  const path = `/proc/sys/net/ipv4/conf/${bridgeOf(networkId)}/route_localnet`
  return { do: 'write', path, text: '1', optional: false }
}

/** So that the container reaches its own port where the host has its bridges look at IP packets. */
function hairpinStep(endpointId: string): HostStep {
  return { do: 'write', path: `/sys/class/net/${linkOf(endpointId)}/brport/hairpin_mode`, text: '1', optional: false }
}
