/** `network create`: a row. The bridge comes with the first container. */

import { InvalidArgument } from '../errors.ts'
import { transaction } from '../state/database.ts'
import { isSix } from './cidr.ts'
import { isOwnDriver, parseDriver } from './drivers.ts'
import { NetworkNameInUse } from './errors.ts'
import { createForeign, requireDriver } from './foreign.ts'
import { helperMode } from './helpers/choose.ts'
import { parseOptions } from './options.ts'
import { defaultNetwork, PREDEFINED } from './predefined.ts'
import {
  deleteNetwork,
  insertNetwork,
  listNetworks,
  type NewNetwork,
  readNetwork,
  type SubnetRecord,
} from './records.ts'
import type { NetworkRoom } from './room.ts'
import { chooseSubnet, chooseSubnet6, hostBlocks, known, parseSubnets, refuseTaken } from './subnets.ts'
import type { CreateNetworkFlags } from './types.ts'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/

/** See `NetworkEngine.create`. */
export async function createNetwork(room: NetworkRoom, name: string, flags: CreateNetworkFlags): Promise<string> {
  const asked = parseRequest(name, flags)
  if (!isOwnDriver(asked.driver)) await requireDriver(room, asked.driver)
  defaultNetwork(room) // so that its subnet is known, and not given away
  const id = transaction(room.database, () => {
    const others = listNetworks(room.database)
    if (others.some((other) => other.name === name)) throw new NetworkNameInUse(name)
    return insertNetwork(room.database, { ...asked, subnets: settledSubnets(room, asked, others) })
  })
  await tellDriver(room, id)
  return id
}

/** A network that its driver refuses never was. */
async function tellDriver(room: NetworkRoom, id: string): Promise<void> {
  const network = readNetwork(room.database, id)
  if (network === undefined) return // removed in the meantime
  try {
    await createForeign(room, network)
  } catch (error) {
    deleteNetwork(room.database, network)
    throw error
  }
}

function parseRequest(name: string, flags: CreateNetworkFlags): NewNetwork {
  if (!NAME.test(name))
    throw new InvalidArgument(`invalid network name: ${name.slice(0, 140)}`, {
      hint: 'letters, digits, and _ . - behind the first character',
    })
  if (PREDEFINED.includes(name) || name === 'default' || helperMode(name) !== undefined)
    throw new InvalidArgument(`operation is not permitted on predefined ${name} network`)
  const options = parseOptions(flags.opt ?? [], 'opt')
  const subnets = parseSubnets({
    subnets: flags.subnet ?? [],
    gateways: flags.gateway ?? [],
    ipRanges: flags['ip-range'] ?? [],
    auxiliary: flags['aux-address'] ?? [],
  })
  return {
    name,
    driver: parseDriver(flags.driver ?? 'bridge', options),
    internal: flags.internal ?? false,
    attachable: flags.attachable ?? false,
    ipv6: flags.ipv6 ?? subnets.some(({ subnet }) => isSix(subnet)),
    labels: parseOptions(flags.label ?? [], 'label'),
    options,
    subnets,
  }
}

/** The user's against what is taken; ours from what is free. */
function settledSubnets(
  room: NetworkRoom,
  { driver, ipv6, subnets }: NewNetwork,
  others: readonly NewNetwork[],
): readonly SubnetRecord[] {
  const ofOthers = others.flatMap((other) =>
    other.subnets.map(({ subnet }) => ({ block: known(subnet), owner: `network ${other.name} (${subnet})` })),
  )
  const ofHost = hostBlocks().map((block) => ({ block, owner: 'an address or a route of this host' }))
  const taken = [...ofOthers, ...ofHost]
  // A network below a link of the host's is the one that the host itself is on.
  refuseTaken(subnets, driver === 'bridge' ? taken : ofOthers)
  const ofSix = ({ subnet }: SubnetRecord) => isSix(subnet)
  const blocks = [...taken.map(({ block }) => block), ...subnets.map(({ subnet }) => known(subnet))]
  const four = subnets.find((subnet) => !ofSix(subnet)) ?? chooseSubnet(blocks, room.paths.root)
  const six = subnets.find(ofSix) ?? (ipv6 ? chooseSubnet6() : undefined)
  return [four, ...(six === undefined ? [] : [six])]
}
