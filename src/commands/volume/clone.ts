import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'

export default class VolumeClone extends EngineCommand {
  static override summary = 'Make a volume with the content of another one'
  static override description =
    'Files are shared until one of the two changes them, where the file system can do that (btrfs, xfs), and copied otherwise.'
  static override examples = ['<%= config.bin %> volume clone data data-before-upgrade']
  static override args = {
    volume: Args.string({ description: 'Name of the volume', required: true }),
    name: Args.string({ description: 'Name of the new one', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(VolumeClone)
    const { volumes } = await this.openEngine()
    await volumes.clone(args.volume, args.name, this.interruption())
    this.log(args.name)
  }
}
