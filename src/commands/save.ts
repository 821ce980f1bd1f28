import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { openOutput } from '../ui/streams.ts'

export default class Save extends EngineCommand {
  static override summary = 'Save one or more images to a tar archive (streamed to STDOUT by default)'
  static override examples = [
    '<%= config.bin %> save -o app.tar app:1.0 app:1.1',
    '<%= config.bin %> save app | xz > app.tar.xz',
  ]
  static override aliases = ['image:save']
  static override args = { image: Args.string({ description: 'Name or ID', required: true, multiple: true }) }
  static override flags = {
    output: Flags.string({ char: 'o', description: 'Write to a file, instead of STDOUT' }),
    platform: Flags.string({ description: 'Save only the image of this platform' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Save)
    await using output = await openOutput(flags.output)
    const engine = await this.openEngine()
    const platform = flags.platform === undefined ? {} : { platform: flags.platform }
    await engine.images.save(args.image, output.stream, { ...platform, signal: this.interruption() })
    await output.finish()
  }
}
