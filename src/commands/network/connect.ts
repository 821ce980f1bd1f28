import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'

const list = (description: string) => Flags.string({ description, multiple: true, multipleNonGreedy: true })

export default class NetworkConnect extends EngineCommand {
  static override summary = 'Connect a container to a network'
  static override examples = [
    '<%= config.bin %> network connect web api',
    '<%= config.bin %> network connect --ip 10.5.0.7 --alias db data postgres',
  ]
  static override args = {
    network: Args.string({ description: 'Name or ID of the network', required: true }),
    container: Args.string({ description: 'Name or ID of the container, running or not', required: true }),
  }
  static override flags = {
    alias: list('Add network-scoped alias for the container'),
    'driver-opt': list('Driver options for the network (none is known)'),
    ip: Flags.string({ description: 'IPv4 address (e.g., "172.30.100.104")' }),
    ip6: Flags.string({ description: 'IPv6 address (e.g., "2001:db8::33")' }),
    link: list('Add link to another container (CONTAINER:ALIAS)'),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkConnect)
    const { containers } = await this.openEngine()
    await containers.connect(args.container, args.network, flags)
  }
}
