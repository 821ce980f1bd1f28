/** A container about to run whose traffic a program of the user carries (pasta, slirp4netns): ports, names, and the step. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HostUnsupported, InvalidArgument } from '../../errors.ts'
import { isSix } from '../../network/cidr.ts'
import { PortTaken } from '../../network/errors.ts'
import { type HelperMode, helperProgram } from '../../network/helpers/choose.ts'
import { checkPastaOptions, pastaAddresses, pastaStep } from '../../network/helpers/pasta.ts'
import { parseSlirpOptions, slirpAddresses, slirpStep } from '../../network/helpers/slirp4netns.ts'
import { writeHelperState } from '../../network/helpers/state.ts'
import type { HelperAddresses } from '../../network/helpers/types.ts'
import { addressText } from '../../network/ports/describe.ts'
import { clashes, defaultAddresses } from '../../network/ports/place.ts'
import type { PublishedPort } from '../../network/types.ts'
import type { NetworkSteps } from '../../plugins/contract.ts'
import { hostFiles } from '../bundle.ts'
import type { ContainerDirectories } from '../directories.ts'
import type { Draft } from '../draft.ts'
import { isRootless } from '../host.ts'
import { bindFailure } from './free-port.ts'
import { choosePort, wantedPorts } from './publish.ts'

const HELPERS = {
  pasta: { addresses: pastaAddresses, step: pastaStep },
  slirp4netns: { addresses: slirpAddresses, step: slirpStep },
} as const

/** @throws {HostUnsupported} the program is not here @throws {InvalidArgument} an option that it has not */
export function checkHelper({ name, options }: HelperMode): void {
  if (name === 'pasta') checkPastaOptions(options)
  else parseSlirpOptions(options)
  helperProgram(name)
}

/** @throws {HostUnsupported} the program is not here @throws {PortTaken} by anybody; nothing runs then */
export async function joinHelper(
  draft: Draft,
  directories: ContainerDirectories,
  { name, options }: HelperMode,
): Promise<NetworkSteps> {
  const program = helperProgram(name)
  const helper = HELPERS[name]
  const addresses = helper.addresses(options)
  const ports = await choosePorts(draft, addresses.address ?? '')
  const unusable = name === 'slirp4netns' ? ports.find(({ hostIp }) => isSix(hostIp)) : undefined
  if (unusable !== undefined)
    throw new InvalidArgument(`slirp4netns cannot publish at ${unusable.hostIp}`, {
      hint: 'use --network pasta for it',
    })
  const { address, prefix, gateway } = addresses
  writeHelperState(directories.run, { address, prefix, gateway, ports })
  writeFiles(draft, directories, addresses)
  const mac = draft.settings.config.MacAddress
  const step = helper.step({ program, options, ports, directory: directories.run, root: !isRootless(), mac })
  return { before: [], after: [step], child: [] }
}

async function choosePorts({ settings }: Draft, containerIp: string): Promise<readonly PublishedPort[]> {
  const defaults = defaultAddresses({}, process.env).filter((address) => !isSix(address))
  const ports: PublishedPort[] = []
  for (const spec of wantedPorts(settings)) {
    const { protocol, containerPort } = spec
    if (protocol === 'sctp') throw new InvalidArgument('ports of sctp can only be published on a bridge', ROOT)
    const addresses = spec.hostIp === '' ? defaults : [spec.hostIp]
    const at = (hostPort: number) =>
      addresses.map((hostIp): PublishedPort => ({ protocol, hostIp, hostPort, containerIp, containerPort }))
    const isOurs = (hostPort: number) => at(hostPort).some((one) => ports.some((port) => clashes(one, port)))
    const chosen = at(await choosePort(spec, addresses, isOurs))
    for (const port of chosen) refuseUnbindable(port, await bindFailure(port))
    ports.push(...chosen)
  }
  return ports
}

const ROOT = { hint: 'run it as root, without --network' }

/** Its helper would say so too, but not in the user's words. */
function refuseUnbindable(port: PublishedPort, failure: string | undefined): void {
  const where = addressText(port)
  if (failure === undefined) return
  if (failure === 'EADDRINUSE') throw new PortTaken(port)
  if (failure === 'EACCES' || failure === 'EPERM')
    throw new HostUnsupported(`cannot publish at ${where}: the host keeps ports as low as that for root`, {
      hint: 'choose a port from 1024 on, or lower net.ipv4.ip_unprivileged_port_start',
    })
  throw new InvalidArgument(`cannot publish at ${where}: ${failure}`, { hint: 'is it an address of this host?' })
}

/** What stands for the host under these names, as podman and Docker Desktop have them. */
const HOST_NAMES = 'host.containers.internal host.docker.internal'

function writeFiles(draft: Draft, directories: ContainerDirectories, addresses: HelperAddresses): void {
  const { address, host, resolver, always } = addresses
  const files = hostFiles(draft, {
    addresses: address === undefined ? [] : [address],
    links: host === undefined ? [] : [`${host}\t${HOST_NAMES}`],
    hostGateway: host,
    forwarder: { address: resolver, always },
  })
  writeFileSync(join(directories.data, 'hosts'), files.hosts)
  writeFileSync(join(directories.data, 'resolv.conf'), files.resolv)
}
