import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { containerStatus, humanDuration } from '../ui/container-status.ts'

const COMMAND_WIDTH = 20
const SHORT_ID = 12

export default class Ps extends EngineCommand {
  static override summary = 'List containers'
  static override examples = ['<%= config.bin %> ps', '<%= config.bin %> ps -a', '<%= config.bin %> ps -aq --no-trunc']
  static override aliases = ['container:ls', 'container:list', 'container:ps']
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'Show all containers (default shows just running)' }),
    quiet: Flags.boolean({ char: 'q', description: 'Only display container IDs' }),
    'no-trunc': Flags.boolean({ description: "Don't truncate output" }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Ps)
    const engine = await this.openEngine()
    const containers = await engine.containers.list({ all: flags.all ?? false })
    const whole = flags['no-trunc'] ?? false
    const idOf = (id: string) => (whole ? id : id.slice(0, SHORT_ID))
    if (flags.quiet) {
      for (const { id } of containers) this.log(idOf(id))
      return
    }
    const now = Date.now()
    const rows = containers.map((container) => [
      idOf(container.id),
      container.imageName,
      JSON.stringify(shorten(container.command, whole)),
      `${humanDuration(now - container.createdAtMs)} ago`,
      containerStatus(container, now),
      '',
      container.name,
    ])
    this.log(table([['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'], ...rows]))
  }
}

function shorten(text: string, whole: boolean): string {
  return whole || text.length <= COMMAND_WIDTH ? text : `${text.slice(0, COMMAND_WIDTH - 1)}…`
}

/** Columns three spaces apart, as docker's. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3))
        .join('')
        .trimEnd(),
    )
    .join('\n')
}
