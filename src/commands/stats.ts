import { setTimeout as sleep } from 'node:timers/promises'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import type { Engine, StatsSample } from '../engine/engine.ts'
import { formatRows, type Row } from '../ui/format-rows.ts'
import { STATS_COLUMNS, STATS_HEADINGS, statsRow } from '../ui/stats-rows.ts'
import { neutralise } from '../ui/text.ts'

const INTERVAL_MS = 1000
/** Between the two looks that a single answer needs. */
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
    const wanted = args.container ?? []
    const format = flags.format ?? engine.userSetting('statsFormat')
    const print = (rows: readonly Row[]) =>
      formatRows(rows, { format, columns: STATS_COLUMNS, headings: STATS_HEADINGS })
    const look = openLooks(engine, { wanted, all: flags.all ?? false, full: flags['no-trunc'] ?? false })
    await look()
    if (flags['no-stream']) {
      await sleep(PAUSE_MS)
      for (const line of print(await look())) this.log(line)
      return
    }
    await this.#stream(look, print)
  }

  async #stream(
    look: () => Promise<readonly Row[]>,
    print: (rows: readonly Row[]) => readonly string[],
  ): Promise<void> {
    const signal = this.interruption()
    const { openRepainter } = await import('../ui/repaint.ts')
    const painter = process.stdout.isTTY ? openRepainter(process.stdout) : undefined
    try {
      while (!signal.aborted) {
        const lines = print(await look())
        if (painter === undefined) for (const line of lines) this.log(line)
        else painter.paint(lines.map(neutralise))
        await sleep(INTERVAL_MS, undefined, { signal }).catch(() => {}) // Ctrl-C is how this ends
      }
    } finally {
      painter?.close()
    }
  }
}

interface Looking {
  readonly wanted: readonly string[]
  readonly all: boolean
  readonly full: boolean
}

/** Each look remembers the one before. Containers that start or end in between come and go. */
function openLooks({ containers }: Engine, { wanted, all, full }: Looking): () => Promise<readonly Row[]> {
  let before = new Map<string, StatsSample>()
  return async () => {
    const named = wanted.length > 0
    if (named && before.size === 0) for (const name of wanted) await containers.inspect(name) // says at once what is not there
    const listed = await containers.list({ all: all || named })
    const isWanted = (id: string, name: string) =>
      !named || wanted.some((word) => word === name || word === `/${name}` || id.startsWith(word))
    const samples = new Map<string, StatsSample>()
    const rows: Row[] = []
    for (const { id, name, state } of listed.filter((container) => isWanted(container.id, container.name))) {
      const runs = state === 'running' || state === 'paused' || state === 'stopping'
      const sample = runs ? await containers.stats(id).catch(() => undefined) : undefined // it may have ended just now
      if (sample !== undefined) samples.set(id, sample)
      const known = wanted.find((word) => word === name || id.startsWith(word)) ?? id.slice(0, 12)
      rows.push(statsRow({ wanted: known, sample, before: before.get(id), id, name }, full))
    }
    before = samples
    return rows
  }
}
