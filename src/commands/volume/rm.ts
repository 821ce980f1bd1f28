import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { CoracleError } from '../../errors.ts'

export default class VolumeRm extends EngineCommand {
  static override summary = 'Remove one or more volumes'
  static override description = 'A volume that a container has, running or stopped, is not removed.'
  static override examples = ['<%= config.bin %> volume rm data']
  static override aliases = ['volume:remove']
  static override args = { volume: Args.string({ description: 'Name', required: true, multiple: true }) }
  static override flags = {
    force: Flags.boolean({
      char: 'f',
      description: 'Take what is not there for removed, and forget what its driver fails to remove',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VolumeRm)
    const { volumes } = await this.openEngine()
    await this.eachTarget(args.volume, async (name) => {
      try {
        await volumes.remove(name, { force: flags.force ?? false })
      } catch (error) {
        if (!(flags.force && error instanceof CoracleError && error.code === 'VOLUME_NOT_FOUND')) throw error
      }
      this.log(name)
    })
  }
}
