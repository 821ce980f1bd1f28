import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'

export default class Rename extends EngineCommand {
  static override summary = 'Rename a container'
  static override examples = ['<%= config.bin %> rename quiet_otter web']
  static override aliases = ['container:rename']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true }),
    name: Args.string({ description: 'The new name', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Rename)
    const engine = await this.openEngine()
    await engine.containers.rename(args.container, args.name)
  }
}
