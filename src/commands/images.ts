import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { formatRows } from '../ui/format-rows.ts'
import { IMAGE_HEADINGS, imageRows } from '../ui/image-rows.ts'

export default class Images extends EngineCommand {
  static override summary = 'List images'
  static override usage = '[OPTIONS] [REPOSITORY[:TAG]]'
  static override examples = [
    '<%= config.bin %> images',
    '<%= config.bin %> images --filter dangling=true -q',
    "<%= config.bin %> images --format '{{.Repository}}:{{.Tag}} {{.Size}}'",
    "<%= config.bin %> image ls --format 'table {{.ID}}\\t{{.Repository}}' 'team/*'",
  ]
  static override aliases = ['image:ls', 'image:list']
  static override args = { repository: Args.string({ description: 'Show only images of this name' }) }
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'Show all images (default hides intermediate images)' }),
    digests: Flags.boolean({ description: 'Show digests' }),
    filter: Flags.string({
      char: 'f',
      multiple: true,
      helpValue: 'filter',
      description:
        'Filter output based on conditions provided\n(dangling, label, reference, before, since, until: KEY=VALUE)',
    }),
    format: Flags.string({
      description:
        "Format output: 'table', 'table TEMPLATE', 'json', or a Go template\nsuch as '{{.Repository}}:{{.Tag}}'",
    }),
    'no-trunc': Flags.boolean({ description: "Don't truncate output" }),
    quiet: Flags.boolean({ char: 'q', description: 'Only show image IDs' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Images)
    const engine = await this.openEngine()
    const digests = flags.digests ?? false
    const images = await engine.images.list({
      all: flags.all ?? false,
      filters: flags.filter ?? [],
      ...(args.repository !== undefined && { name: args.repository }),
    })
    const withDigests = digests || (flags.format?.includes('.Digest') ?? false)
    const rows = imageRows(images, { full: flags['no-trunc'] ?? false, digests: withDigests })
    const columns = ['Repository', 'Tag', ...(digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size']
    const format = flags.format ?? (flags.quiet ? '{{.ID}}' : engine.userSetting('imagesFormat'))
    for (const line of formatRows(rows, { format, columns, headings: IMAGE_HEADINGS })) this.log(line)
  }
}
