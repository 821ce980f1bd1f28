import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import {
  DF_COLUMNS,
  DF_HEADINGS,
  dfDocument,
  dfRows,
  dfSections,
  type UsageDetails,
  type UsageRow,
} from '../../ui/df-rows.ts'
import { formatDocuments, formatRows } from '../../ui/format-rows.ts'

export default class SystemDf extends EngineCommand {
  static override summary = 'Show disk usage'
  static override examples = ['<%= config.bin %> system df', '<%= config.bin %> system df --verbose']
  static override flags = {
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    verbose: Flags.boolean({ char: 'v', description: 'Show detailed information on space usage' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemDf)
    const { system } = await this.openEngine()
    const { rows, ...details } = await system.diskUsage()
    for (const line of lines(rows, details, { format: flags.format, verbose: flags.verbose ?? false })) this.log(line)
  }
}

function lines(
  rows: readonly UsageRow[],
  details: UsageDetails,
  { format, verbose }: { readonly format: string | undefined; readonly verbose: boolean },
): readonly string[] {
  if (!verbose) return formatRows(dfRows(rows), { format, columns: DF_COLUMNS, headings: DF_HEADINGS })
  return format === undefined ? dfSections(details) : formatDocuments([dfDocument(details, { full: true })], format)
}
