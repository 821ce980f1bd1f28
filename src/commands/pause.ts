import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'

export default class Pause extends EngineCommand {
  static override summary = 'Pause all processes within one or more containers'
  static override examples = ['<%= config.bin %> pause web worker']
  static override aliases = ['container:pause']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Pause)
    const engine = await this.openEngine()
    await this.eachTarget(args.container, async (name) => {
      await engine.containers.pause(name)
      this.log(name)
    })
  }
}
