import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { wholeNumber } from '../ui/numbers.ts'

export default class Restart extends EngineCommand {
  static override summary = 'Restart one or more containers'
  static override examples = ['<%= config.bin %> restart web worker', '<%= config.bin %> restart -t 60 database']
  static override aliases = ['container:restart']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = {
    signal: Flags.string({ char: 's', description: 'Signal to send to the container' }),
    time: Flags.string({
      char: 't',
      aliases: ['timeout'],
      description: 'Seconds to wait before killing the container (-1: as long as it takes)',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Restart)
    const engine = await this.openEngine()
    await this.eachTarget(args.container, async (name) => {
      await engine.containers.restart(name, {
        signal: flags.signal,
        timeoutSeconds: wholeNumber(flags.time, '-t, --time'),
      })
      this.log(name)
    })
  }
}
