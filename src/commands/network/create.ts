import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'

const list = (description: string, char?: 'o') =>
  Flags.string({ description, multiple: true, multipleNonGreedy: true, ...(char && { char }) })

export default class NetworkCreate extends EngineCommand {
  static override summary = 'Create a network'
  static override description = 'Its bridge appears on the host with its first container, and goes with its last one.'
  static override examples = [
    '<%= config.bin %> network create web',
    '<%= config.bin %> network create --subnet 10.5.0.0/16 --ip-range 10.5.1.0/24 --gateway 10.5.0.254 web',
    '<%= config.bin %> network create -d macvlan -o parent=eth0 --subnet 192.168.1.0/24 --ip-range 192.168.1.128/25 lan',
    '<%= config.bin %> network create --internal --label tier=data data',
  ]
  static override args = { network: Args.string({ description: 'Name of the network', required: true }) }
  static override flags = {
    attachable: Flags.boolean({ description: 'Enable manual container attachment (always possible here)' }),
    'aux-address': list('Addresses that no container gets (NAME=IP)'),
    driver: Flags.string({ char: 'd', description: 'Driver to manage the network (bridge|macvlan|ipvlan)' }),
    gateway: list('IPv4 or IPv6 gateway for the subnet'),
    internal: Flags.boolean({ description: 'Restrict external access to the network' }),
    'ip-range': list('Allocate container addresses from a sub-range'),
    ipv6: Flags.boolean({ description: 'Enable IPv6 address assignment' }),
    label: list('Set metadata on a network'),
    opt: list('Set driver specific options', 'o'),
    subnet: list('Subnet in CIDR format that represents a network segment'),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkCreate)
    const engine = await this.openEngine()
    this.log(await engine.networks.create(args.network, flags))
  }
}
