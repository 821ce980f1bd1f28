import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { formatRows } from '../../ui/format-rows.ts'
import { DIFFERENCE_HEADINGS, differenceRows } from '../../ui/image-rows.ts'

export default class ImageDiff extends EngineCommand {
  static override summary = 'Show which files differ between two images'
  static override description = 'A: added, C: changed, D: removed; the files that change the size most come first.'
  static override usage = '[OPTIONS] FROM TO'
  static override examples = [
    '<%= config.bin %> image diff app:1.0 app:1.1',
    "<%= config.bin %> image diff --format '{{.Path}}' app:1.0 app:1.1",
  ]
  static override args = {
    from: Args.string({ description: 'Name or ID', required: true }),
    to: Args.string({ description: 'Name or ID', required: true }),
  }
  static override flags = {
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageDiff)
    const engine = await this.openEngine()
    const rows = differenceRows(await engine.images.diff(args.from, args.to))
    const columns = ['Kind', 'Size', 'Path']
    for (const line of formatRows(rows, { format: flags.format, columns, headings: DIFFERENCE_HEADINGS }))
      this.log(line)
  }
}
