import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { CONTAINER_HEADINGS, containerRow } from '../ui/container-rows.ts'
import { formatRows } from '../ui/format-rows.ts'
import { wholeNumber } from '../ui/numbers.ts'

export default class Ps extends EngineCommand {
  static override summary = 'List containers'
  static override examples = [
    '<%= config.bin %> ps',
    '<%= config.bin %> ps -a --filter status=exited --filter label=team',
    "<%= config.bin %> ps --format '{{.Names}}: {{.Status}}'",
    '<%= config.bin %> ps -aq --no-trunc',
  ]
  static override aliases = ['container:ls', 'container:list', 'container:ps']
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'Show all containers (default shows just running)' }),
    filter: Flags.string({
      char: 'f',
      multiple: true,
      helpValue: 'filter',
      description:
        'Filter output based on conditions provided\n(id, name, label, status, exited, health, ancestor, before, since, volume, network: KEY=VALUE)',
    }),
    format: Flags.string({
      description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template\nsuch as '{{.ID}} {{.Names}}'",
    }),
    last: Flags.string({ char: 'n', description: 'Show n last created containers (includes all states)' }),
    latest: Flags.boolean({ char: 'l', description: 'Show the latest created container (includes all states)' }),
    'no-trunc': Flags.boolean({ description: "Don't truncate output" }),
    quiet: Flags.boolean({ char: 'q', description: 'Only display container IDs' }),
    size: Flags.boolean({ char: 's', description: 'Display total file sizes' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Ps)
    const engine = await this.openEngine()
    const format = flags.format ?? (flags.quiet ? '{{.ID}}' : engine.userSetting('psFormat'))
    const size = flags.size || (format?.includes('.Size') ?? false)
    const last = flags.latest ? 1 : wholeNumber(flags.last, '-n, --last')
    const containers = await engine.containers.list({
      all: flags.all ?? false,
      filters: flags.filter ?? [],
      size,
      ...(last !== undefined && { last }),
    })
    const options = { full: flags['no-trunc'] ?? false, nowMs: Date.now() }
    const rows = containers.map((container) => containerRow(container, options))
    const columns = [
      'ID',
      'Image',
      'Command',
      'RunningFor',
      'Status',
      'Ports',
      'Names',
      ...(flags.size ? ['Size'] : []),
    ]
    const lines = formatRows(rows, { format, columns, headings: CONTAINER_HEADINGS })
    // In one piece: a thousand writes would take longer than all the rest.
    if (lines.length > 0) this.log(lines.join('\n'))
  }
}
