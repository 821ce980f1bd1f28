import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'
import { openInput } from '../../ui/streams.ts'

export default class VolumeImport extends EngineCommand {
  static override summary = 'Put the content of a tar archive into a volume'
  static override description =
    'The volume is made where it is missing. What it has already stays, unless the archive has something of the same name.'
  static override examples = [
    '<%= config.bin %> volume import data data.tar',
    'gzip -d < data.tar.gz | <%= config.bin %> volume import data -',
  ]
  static override args = {
    volume: Args.string({ description: 'Name of the volume', required: true }),
    source: Args.string({ description: 'Tar archive, plain or compressed; - is STDIN', default: '-' }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(VolumeImport)
    const input = await openInput(args.source, 'import')
    const { volumes } = await this.openEngine()
    await volumes.import(args.volume, input, this.interruption())
  }
}
