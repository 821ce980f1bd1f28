import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'

export default class NetworkRemove extends EngineCommand {
  static override summary = 'Remove one or more networks'
  static override examples = ['<%= config.bin %> network rm web', '<%= config.bin %> network rm web data']
  static override aliases = ['network:remove']
  static override args = { network: Args.string({ description: 'Name or ID', required: true, multiple: true }) }
  static override flags = {
    force: Flags.boolean({ char: 'f', description: 'Do not error if the network does not exist, or its driver fails' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkRemove)
    const { networks } = await this.openEngine()
    await this.eachTarget(args.network, async (name) => {
      await networks.remove(name, { force: flags.force ?? false })
      this.log(name)
    })
  }
}
