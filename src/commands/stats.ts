import { setTimeout as sleep } from 'node:timers/promises'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { formatRows } from '../ui/format-rows.ts'
import { STATS_COLUMNS, STATS_HEADINGS, statsRow } from '../ui/stats-rows.ts'
import { neutralise } from '../ui/text.ts'

const INTERVAL_MS = 1000
/** Between the two looks that the first answer needs. */
const PAUSE_MS = 500

export default class Stats extends EngineCommand {
  static override summary = 'Display a live stream of container(s) resource usage statistics'
  static override examples = [
    '<%= config.bin %> stats',
    '<%= config.bin %> stats --no-stream web worker',
    "<%= config.bin %> stats --no-stream --format '{{.Name}}: {{.CPUPerc}} {{.MemUsage}}'",
  ]
  static override aliases = ['container:stats']
  static override args = {
    container: Args.string({
      description: 'Name, ID or unambiguous prefix of an ID; all that run when none is named',
      multiple: true,
    }),
  }
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'Show all containers (default shows just running)' }),
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    'no-stream': Flags.boolean({ description: 'Disable streaming stats and only pull the first result' }),
    'no-trunc': Flags.boolean({ description: 'Do not truncate output' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Stats)
    const engine = await this.openEngine()
    const { openStatsView } = await import('../engine/system/stats-view.ts')
    const look = await openStatsView(engine.containers, { names: args.container ?? [], all: flags.all ?? false })
    const format = flags.format ?? engine.userSetting('statsFormat')
    const lines = async () => {
      const rows = (await look()).map((found) => statsRow(found, flags['no-trunc'] ?? false))
      return formatRows(rows, { format, columns: STATS_COLUMNS, headings: STATS_HEADINGS })
    }
    await lines()
    if (flags['no-stream']) {
      await sleep(PAUSE_MS)
      for (const line of await lines()) this.log(line)
    } else await this.#stream(lines)
  }

  /** Until it is interrupted; at a terminal in one place. */
  async #stream(lines: () => Promise<readonly string[]>): Promise<void> {
    const signal = this.interruption()
    const { openRepainter } = await import('../ui/repaint.ts')
    const painter = process.stdout.isTTY ? openRepainter(process.stdout) : undefined
    const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {}) // Ctrl-C is how this ends
    try {
      await pause(PAUSE_MS)
      while (!signal.aborted) {
        const shown = await lines()
        if (painter === undefined) for (const line of shown) this.log(line)
        else painter.paint(shown.map(neutralise))
        await pause(INTERVAL_MS)
      }
    } finally {
      painter?.close()
    }
  }
}
