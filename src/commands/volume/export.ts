import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { openOutput } from '../../ui/streams.ts'

export default class VolumeExport extends EngineCommand {
  static override summary = 'Write the content of a volume as a tar archive'
  static override examples = [
    '<%= config.bin %> volume export -o data.tar data',
    '<%= config.bin %> volume export data | gzip > data.tar.gz',
  ]
  static override args = { volume: Args.string({ description: 'Name of the volume', required: true }) }
  static override flags = {
    output: Flags.string({ char: 'o', description: 'Write to a file, instead of STDOUT' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VolumeExport)
    await using output = await openOutput(flags.output)
    const { volumes } = await this.openEngine()
    await volumes.export(args.volume, output.stream, this.interruption())
    await output.finish()
  }
}
