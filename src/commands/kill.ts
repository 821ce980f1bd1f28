import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'

export default class Kill extends EngineCommand {
  static override summary = 'Kill one or more running containers'
  static override examples = ['<%= config.bin %> kill web', '<%= config.bin %> kill -s HUP web worker']
  static override aliases = ['container:kill']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = {
    signal: Flags.string({ char: 's', description: 'Signal to send to the container (default: SIGKILL)' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Kill)
    const engine = await this.openEngine()
    await this.eachTarget(args.container, async (name) => {
      await engine.containers.kill(name, flags.signal)
      this.log(name)
    })
  }
}
