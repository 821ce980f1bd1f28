import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { DF_COLUMNS, DF_HEADINGS, dfRows, dfSections } from '../../ui/df-rows.ts'
import { formatRows } from '../../ui/format-rows.ts'

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
    const usage = await system.diskUsage()
    if (flags.verbose && flags.format === undefined) {
      for (const line of dfSections(usage.items)) this.log(line)
      return
    }
    const format = { format: flags.format, columns: DF_COLUMNS, headings: DF_HEADINGS }
    for (const line of formatRows(dfRows(usage.rows), format)) this.log(line)
  }
}
