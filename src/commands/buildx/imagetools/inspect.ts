import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../../base-command.ts'
import { formatDocuments } from '../../../ui/format-rows.ts'
import { remoteDocument, remoteLines } from '../../../ui/imagetools-lines.ts'
import { neutralise } from '../../../ui/text.ts'

export default class ImagetoolsInspect extends EngineCommand {
  static override summary = 'Show details of an image or index in a registry'
  static override examples = [
    '<%= config.bin %> buildx imagetools inspect debian:12',
    "<%= config.bin %> buildx imagetools inspect --format '{{.Manifest.Digest}}' debian:12",
    '<%= config.bin %> buildx imagetools inspect --raw debian:12',
  ]
  static override args = { name: Args.string({ description: 'Name in a registry', required: true }) }
  static override flags = {
    format: Flags.string({ description: "Format the output: a Go template of .Name, .Manifest and .Image, or 'json'" }),
    raw: Flags.boolean({ description: 'Show the manifest as the registry has it' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImagetoolsInspect)
    const { images } = await this.openEngine()
    const signal = this.interruption()
    const content = await images.remote(args.name, signal)
    const { format } = flags
    if (flags.raw) {
      process.stdout.write(process.stdout.isTTY ? neutralise(Buffer.from(content.bytes).toString()) : content.bytes)
      return
    }
    if (format === undefined || format === '') {
      for (const line of remoteLines(content)) this.log(line)
      return
    }
    const wantsImage = format === 'json' || format.includes('Image')
    const configs = wantsImage ? await images.remoteConfigs(args.name, signal) : new Map<string, unknown>()
    const image = content.manifests === undefined ? configs.get('') : Object.fromEntries(configs)
    for (const line of formatDocuments([remoteDocument(content, image)], format)) this.log(line)
  }
}
