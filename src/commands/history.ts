import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { formatRows } from '../ui/format-rows.ts'
import { HISTORY_HEADINGS, historyRows } from '../ui/image-rows.ts'

export default class History extends EngineCommand {
  static override summary = 'Show the history of an image'
  static override examples = [
    '<%= config.bin %> history busybox',
    "<%= config.bin %> history --no-trunc --format '{{.CreatedBy}}' debian:12",
  ]
  static override aliases = ['image:history']
  static override args = { image: Args.string({ description: 'Name or ID', required: true }) }
  static override flags = {
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    human: Flags.boolean({ char: 'H', default: true, description: 'Print sizes and dates in human readable format' }),
    'no-trunc': Flags.boolean({ description: "Don't truncate output" }),
    platform: Flags.string({ description: 'Show the history of the image of this platform' }),
    quiet: Flags.boolean({ char: 'q', description: 'Only show image IDs' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(History)
    const engine = await this.openEngine()
    const history = await engine.images.history(args.image, flags.platform)
    const rows = historyRows(history, { full: flags['no-trunc'] ?? false, human: flags.human })
    const columns = ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment']
    const format = flags.quiet && flags.format === undefined ? '{{.ID}}' : flags.format
    for (const line of formatRows(rows, { format, columns, headings: HISTORY_HEADINGS })) this.log(line)
  }
}
