import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { formatRows } from '../../ui/format-rows.ts'
import { NETWORK_HEADINGS, networkRow } from '../../ui/network-rows.ts'

export default class NetworkList extends EngineCommand {
  static override summary = 'List networks'
  static override examples = [
    '<%= config.bin %> network ls',
    '<%= config.bin %> network ls --filter type=custom -q',
    "<%= config.bin %> network ls --format '{{.Name}} {{.Driver}}'",
  ]
  static override aliases = ['network:list']
  static override flags = {
    filter: Flags.string({
      char: 'f',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'filter',
      description: 'Provide filter values (name, id, label, type, driver, scope, dangling: KEY=VALUE)',
    }),
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    'no-trunc': Flags.boolean({ description: 'Do not truncate the output' }),
    quiet: Flags.boolean({ char: 'q', description: 'Only display network IDs' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(NetworkList)
    const engine = await this.openEngine()
    const networks = await engine.networks.list(flags.filter ?? [])
    const rows = networks.map((network) => networkRow(network, flags['no-trunc'] ?? false))
    const format = flags.quiet ? '{{.ID}}' : (flags.format ?? engine.userSetting('networksFormat'))
    const columns = ['ID', 'Name', 'Driver', 'Scope']
    for (const line of formatRows(rows, { format, columns, headings: NETWORK_HEADINGS })) this.log(line)
  }
}
