import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'

export default class Wait extends EngineCommand {
  static override summary = 'Block until one or more containers stop, then print their exit codes'
  static override description = 'Prints -1 for a container whose end nobody saw, because its supervisor was killed.'
  static override examples = ['<%= config.bin %> wait job', '<%= config.bin %> wait $(<%= config.bin %> ps -q)']
  static override aliases = ['container:wait']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Wait)
    const engine = await this.openEngine()
    const interruption = this.interruption()
    await this.eachTarget(args.container, async (name) => {
      this.log(String(await engine.containers.wait(name, interruption)))
    })
  }
}
