import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'
import { stopFlags, stopOptions } from '../ui/stop-flags.ts'

export default class Stop extends EngineCommand {
  static override summary = 'Stop one or more running containers'
  static override description =
    'Sends the stop signal of the container (SIGTERM unless the image or --stop-signal says otherwise), then SIGKILL.'
  static override examples = [
    '<%= config.bin %> stop web worker',
    '<%= config.bin %> stop -t 60 database',
    '<%= config.bin %> stop $(<%= config.bin %> ps -q)',
  ]
  static override aliases = ['container:stop']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = stopFlags

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Stop)
    const options = stopOptions(flags)
    const engine = await this.openEngine()
    await this.eachTarget(args.container, async (name) => {
      await engine.containers.stop(name, options)
      this.log(name)
    })
  }
}
