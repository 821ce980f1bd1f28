import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'

export default class Unpause extends EngineCommand {
  static override summary = 'Unpause all processes within one or more containers'
  static override examples = ['<%= config.bin %> unpause web worker']
  static override aliases = ['container:unpause']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Unpause)
    const engine = await this.openEngine()
    await this.eachTarget(args.container, async (name) => {
      await engine.containers.unpause(name)
      this.log(name)
    })
  }
}
