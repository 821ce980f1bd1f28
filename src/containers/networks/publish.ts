/** `-p`, `-P`: which ports of the host lead to a container about to run, and what holds them. */
import type { HostStep } from '../../linux/plan.ts'
import { bridgeOf } from '../../network/link-names.ts'
import { type PortSpec, parseExpose, parsePublish } from '../../network/ports/parse.ts'
import type { Connected, PublishedPort } from '../../network/types.ts'
import { randomBelow } from '../../util/random.ts'
import type { Draft } from '../draft.ts'
import type { ContainerRoom } from '../room.ts'
import { freePort } from './free-port.ts'

/** Through the first network that leads out. Nothing is published from one that does not. */
export async function publishFor(
  room: ContainerRoom,
  { settings: { host, config } }: Draft,
  connected: readonly Connected[],
): Promise<readonly HostStep[]> {
  const specs = (host.Publish ?? []).flatMap(parsePublish)
  const exposed = host.PublishAllPorts ? Object.keys(config.ExposedPorts ?? {}) : []
  const way = connected.find(({ network }) => !network.internal)
  const { ipv4 } = way?.endpoint ?? {}
  if (specs.length + exposed.length === 0 || way === undefined || ipv4 === undefined) return []
  const all = [...specs, ...exposed.flatMap(exposedSpec)]
  const ports: PublishedPort[] = []
  for (const spec of all) {
    const { protocol, hostIp, containerPort } = spec
    const hostPort = await choosePort(spec)
    ports.push({ protocol, hostIp, hostPort, containerIp: ipv4, containerPort })
  }
  const { storePorts } = await import('../../network/attach.ts')
  const { publishPorts } = await import('../../network/rules/rules.ts')
  storePorts(room, way, ports)
  await publishPorts(way.network, ports)
  return [...ports.map(holdStep), localStep(way.network.id)]
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

/** docker's range for ports that nobody chose. */
const FIRST_RANDOM = 32_768
const LAST_RANDOM = 60_999

async function choosePort({ protocol, hostIp, hostPorts }: PortSpec): Promise<number> {
  if (hostPorts !== undefined && hostPorts[0] === hostPorts[1]) return hostPorts[0]
  const [first, last] = hostPorts ?? [FIRST_RANDOM, LAST_RANDOM]
  const start = hostPorts === undefined ? first + randomBelow(last + 1 - first) : first
  return freePort({ protocol, hostIp, first, last, start })
}

function holdStep({ protocol, hostIp, hostPort }: PublishedPort): HostStep {
  return { do: 'hold-port', protocol, address: hostIp === '' ? '0.0.0.0' : hostIp, port: hostPort }
}

/** So that 127.0.0.1 of the host leads in as well. */
function localStep(networkId: string): HostStep {
  const path = `/proc/sys/net/ipv4/conf/${bridgeOf(networkId)}/route_localnet`
  return { do: 'write', path, text: '1', optional: false }
}
