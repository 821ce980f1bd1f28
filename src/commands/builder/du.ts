import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { cacheLines, cacheTotals } from '../../ui/cache-rows.ts'

export default class BuilderDu extends EngineCommand {
  static override summary = 'Show what the build cache takes on the disk'
  static override examples = ['<%= config.bin %> builder du', '<%= config.bin %> builder du --format json']
  static override aliases = ['buildx:du']
  static override flags = {
    filter: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'Provide filter values (e.g., "until=24h", "type=run", "description~=npm", "private")',
    }),
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    verbose: Flags.boolean({ description: 'With the instruction of each record' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(BuilderDu)
    const { builds } = await this.openEngine()
    const records = await builds.usage(flags.filter ?? [])
    for (const line of cacheLines(records, { format: flags.format, verbose: flags.verbose ?? false })) this.log(line)
    if (flags.format === undefined) this.log(['', ...cacheTotals(records)].join('\n'))
  }
}
