import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'
import { stopFlags, stopOptions } from '../ui/stop-flags.ts'

export default class Restart extends EngineCommand {
  static override summary = 'Restart one or more containers'
  static override examples = ['<%= config.bin %> restart web worker', '<%= config.bin %> restart -t 60 database']
  static override aliases = ['container:restart']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = stopFlags

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Restart)
    const options = stopOptions(flags)
    const engine = await this.openEngine()
    await this.eachTarget(args.container, async (name) => {
      await engine.containers.restart(name, options)
      this.log(name)
    })
  }
}
