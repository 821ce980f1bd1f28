import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'

export default class Push extends EngineCommand {
  static override summary = 'Upload an image to a registry'
  static override usage = '[OPTIONS] NAME[:TAG]'
  static override examples = [
    '<%= config.bin %> push localhost:5000/team/app:1.0',
    '<%= config.bin %> push --all-tags registry.example/team/app',
  ]
  static override aliases = ['image:push']
  static override args = { name: Args.string({ description: 'Image to upload', required: true }) }
  static override flags = {
    'all-tags': Flags.boolean({ char: 'a', description: 'Push all tags of an image to the repository' }),
    platform: Flags.string({ description: 'Push only the image of this platform' }),
    quiet: Flags.boolean({ char: 'q', description: 'Suppress verbose output' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Push)
    const quiet = flags.quiet ?? false
    const engine = await this.openEngine()
    const results = await engine.images.push(args.name, {
      ...(await this.transferOptions(quiet, process.stdout)),
      signal: this.interruption(),
      allTags: flags['all-tags'] ?? false,
      ...(flags.platform !== undefined && { platform: flags.platform }),
    })
    this.endProgress()
    for (const { reference, tag, digest, sizeBytes } of results) {
      this.log(quiet ? reference : `${tag}: digest: ${digest} size: ${sizeBytes}`)
    }
  }
}
