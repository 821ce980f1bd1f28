import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'

export default class NetworkDisconnect extends EngineCommand {
  static override summary = 'Disconnect a container from a network'
  static override examples = ['<%= config.bin %> network disconnect web api']
  static override args = {
    network: Args.string({ description: 'Name or ID of the network', required: true }),
    container: Args.string({ description: 'Name or ID of the container, running or not', required: true }),
  }
  static override flags = {
    force: Flags.boolean({ char: 'f', description: 'Do not error if the container is not on the network' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkDisconnect)
    const { containers } = await this.openEngine()
    await containers.disconnect(args.container, args.network, { force: flags.force ?? false })
  }
}
