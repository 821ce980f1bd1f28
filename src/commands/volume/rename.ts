import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'

export default class VolumeRename extends EngineCommand {
  static override summary = 'Rename a volume'
  static override description =
    'Stopped containers that have it find it under its new name. Refused while one is running.'
  static override examples = ['<%= config.bin %> volume rename data data-old']
  static override args = {
    volume: Args.string({ description: 'Name of the volume', required: true }),
    name: Args.string({ description: 'The new name', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(VolumeRename)
    const { volumes } = await this.openEngine()
    await volumes.rename(args.volume, args.name)
  }
}
