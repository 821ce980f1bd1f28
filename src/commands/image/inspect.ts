import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { formatDocuments } from '../../ui/format-rows.ts'

export default class ImageInspect extends EngineCommand {
  static override summary = 'Display detailed information on one or more images'
  static override examples = [
    '<%= config.bin %> image inspect busybox',
    '<%= config.bin %> image inspect --format \'{{join .Config.Env "\\n"}}\' debian:12',
    '<%= config.bin %> image inspect --remote --platform linux/arm64 debian:12',
  ]
  static override args = { image: Args.string({ description: 'Name or ID', required: true, multiple: true }) }
  static override flags = {
    format: Flags.string({ char: 'f', description: "Format output using a custom template: 'json' or a Go template" }),
    platform: Flags.string({ description: 'Inspect the image of this platform' }),
    remote: Flags.boolean({ description: 'Ask the registry, without pulling the image' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageInspect)
    const { images } = await this.openEngine()
    const documents: unknown[] = []
    try {
      await this.eachTarget(args.image, async (name) => {
        const inspected = flags.remote
          ? images.inspectRemote(name, flags.platform)
          : images.inspect(name, flags.platform)
        documents.push(await inspected)
      })
    } finally {
      for (const line of formatDocuments(documents, flags.format)) this.log(line)
    }
  }
}
