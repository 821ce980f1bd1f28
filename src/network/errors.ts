/** What goes wrong with networks and their addresses. */
import { CoracleError } from '../errors.ts'

export class NetworkNotFound extends CoracleError {
  override readonly code = 'NETWORK_NOT_FOUND'
  override readonly status = 404
  constructor(name: string) {
    super(`network ${name} not found`, { hint: 'see coracle network ls' })
  }
}

export class ParentMissing extends CoracleError {
  override readonly code = 'PARENT_MISSING'
  override readonly exitCode = 125
  constructor(network: string, parent: string) {
    super(`network ${network} is below the link ${parent}, which is not on this host`, { hint: 'see ip link' })
  }
}

export class AmbiguousNetwork extends CoracleError {
  override readonly code = 'AMBIGUOUS_NETWORK'
  override readonly status = 400
  constructor(prefix: string, candidates: readonly string[]) {
    super(`network ${prefix} is ambiguous (${candidates.length} matches found on ID)`, {
      hint: `it could be ${candidates.join(', ')}`,
    })
  }
}

export class NetworkNameInUse extends CoracleError {
  override readonly code = 'NETWORK_NAME_IN_USE'
  override readonly status = 409
  constructor(name: string) {
    super(`network with name ${name} already exists`, { hint: `choose another name, or: coracle network rm ${name}` })
  }
}

/** `bridge`, `host` and `none` are always there. */
export class PredefinedNetwork extends CoracleError {
  override readonly code = 'PREDEFINED_NETWORK'
  override readonly status = 403
}

export class NetworkInUse extends CoracleError {
  override readonly code = 'NETWORK_IN_USE'
  override readonly status = 409
  constructor(name: string, id: string, users: readonly string[]) {
    super(`error while removing network: network ${name} id ${id} has active endpoints`, {
      hint: `disconnect or stop: ${users.join(', ')}`,
    })
  }
}

export class SubnetTaken extends CoracleError {
  override readonly code = 'SUBNET_TAKEN'
  override readonly status = 403
  constructor(subnet: string, owner: string) {
    super(`invalid pool request: Pool overlaps with other one on this address space: ${subnet} and ${owner}`, {
      hint: 'choose another --subnet',
    })
  }
}

export class NoFreeSubnet extends CoracleError {
  override readonly code = 'NO_FREE_SUBNET'
  constructor() {
    super(
      'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
      {
        hint: 'name one with --subnet, or remove networks that nobody uses: coracle network prune',
      },
    )
  }
}

export class NoFreeAddress extends CoracleError {
  override readonly code = 'NO_FREE_ADDRESS'
  override readonly exitCode = 125
  constructor(network: string, subnet: string) {
    super(`no available IP addresses on this network's address pools: ${network} (${subnet})`, {
      hint: 'stop containers on it, or make a network with a larger --subnet',
    })
  }
}

export class AddressInUse extends CoracleError {
  override readonly code = 'ADDRESS_IN_USE'
  override readonly status = 403
  override readonly exitCode = 125
  constructor(address: string) {
    super(`Address already in use: ${address}`, { hint: 'choose another one, or leave --ip out' })
  }
}

export class AlreadyConnected extends CoracleError {
  override readonly code = 'ALREADY_CONNECTED'
  override readonly status = 403
  constructor(container: string, network: string) {
    super(`endpoint with name ${container} already exists in network ${network}`, {
      hint: `to change its address or aliases: coracle network disconnect ${network} ${container}`,
    })
  }
}

export class NotConnected extends CoracleError {
  override readonly code = 'NOT_CONNECTED'
  override readonly status = 403
  constructor(container: string, network: string) {
    super(`container ${container} is not connected to network ${network}`, {
      hint: `see coracle inspect ${container}`,
    })
  }
}

/** Of an ordinary user, whose containers are connected by a helper of their own. */
export class BridgeNeedsRoot extends CoracleError {
  override readonly code = 'BRIDGE_NEEDS_ROOT'
  override readonly status = 501
  override readonly exitCode = 125
  constructor(network: string) {
    super(`network ${network} needs a bridge, which only root can make`, {
      hint: 'leave --network out, or run it with --network pasta, or as root',
    })
  }
}

export class PortTaken extends CoracleError {
  override readonly code = 'PORT_TAKEN'
  override readonly exitCode = 125
  /** @param owner - the container that has it; not given: who knows */
  constructor({ hostIp, hostPort }: { readonly hostIp: string; readonly hostPort: number }, owner?: string) {
    super(`Bind for ${hostIp === '' ? '0.0.0.0' : hostIp}:${hostPort} failed: port is already allocated`, {
      hint: owner === undefined ? 'choose another port' : `container ${owner} has it: choose another port`,
    })
  }
}
