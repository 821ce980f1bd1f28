import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../../base-command.ts'

export default class ImagetoolsCreate extends EngineCommand {
  static override summary = 'Put images of registries under one name'
  static override description =
    'Makes an index of the sources, which are images and indexes of any registries, and copies to each tag what is not there. One index alone is copied as it is.'
  static override examples = [
    '<%= config.bin %> buildx imagetools create -t registry.example/app:1 registry.example/app:1-amd64 registry.example/app:1-arm64',
    '<%= config.bin %> buildx imagetools create -t registry.example/app:latest registry.example/app:1',
  ]
  static override args = { source: Args.string({ description: 'Name in a registry', required: true, multiple: true }) }
  static override flags = {
    append: Flags.boolean({ description: 'Append to what the tag stands for' }),
    'dry-run': Flags.boolean({ description: 'Show the index instead of pushing it' }),
    'prefer-index': Flags.boolean({ default: true, description: 'Make an index of one image too' }),
    tag: Flags.string({
      char: 't',
      multiple: true,
      multipleNonGreedy: true,
      description: 'Set reference for new image',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImagetoolsCreate)
    const { images } = await this.openEngine()
    const { bytes } = await images.combine({
      sources: args.source,
      tags: flags.tag ?? [],
      append: flags.append ?? false,
      preferIndex: flags['prefer-index'],
      dryRun: flags['dry-run'] ?? false,
      onMessage: (text) => this.logToStderr(text),
      signal: this.interruption(),
    })
    if (flags['dry-run']) this.log(Buffer.from(bytes).toString())
  }
}
