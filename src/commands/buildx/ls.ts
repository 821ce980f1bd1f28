import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { BUILDER_COLUMNS, BUILDER_HEADINGS, builderRows } from '../../ui/builder-lines.ts'
import { formatRows } from '../../ui/format-rows.ts'

export default class BuildxList extends EngineCommand {
  static override summary = 'List builders: there is one, in this process'
  static override examples = ['<%= config.bin %> buildx ls']
  static override flags = {
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    'no-trunc': Flags.boolean({ hidden: true, description: 'Nothing is truncated' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(BuildxList)
    const { builds } = await this.openEngine()
    const rows = builderRows(await builds.platforms(), this.config.version)
    const shape = { format: flags.format, columns: BUILDER_COLUMNS, headings: BUILDER_HEADINGS }
    for (const line of formatRows(rows, shape)) this.log(line)
  }
}
