import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { formatFindings } from '../../ui/findings.ts'
import { openStatusLine } from '../../ui/status-line.ts'

export default class SystemCheck extends EngineCommand {
  static override summary = 'Verify images and containers on disk, and mend what is damaged'
  static override description =
    'Ends with 0 when nothing is wrong, or everything has been mended, else with 1. Other commands may go on meanwhile.'
  static override examples = [
    '<%= config.bin %> system check',
    '<%= config.bin %> system check --repair',
    '<%= config.bin %> system check --quick --format json',
  ]
  static override flags = {
    repair: Flags.boolean({ description: 'Mend what can be mended; data of containers is never deleted' }),
    quick: Flags.boolean({ char: 'q', description: 'Only sizes and references, no digests' }),
    format: Flags.string({ helpValue: 'json', options: ['json'], description: 'Print the whole report as JSON' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemCheck)
    const engine = await this.openEngine()
    const status = openStatusLine(process.stderr)
    try {
      const report = await engine.system.check({
        repair: flags.repair ?? false,
        quick: flags.quick ?? false,
        signal: this.interruption(),
        onProgress: status.show,
      })
      status.close()
      if (flags.format === 'json') this.log(JSON.stringify(report))
      else for (const line of formatFindings(report)) this.log(line)
      if (report.findings.some(({ repaired }) => !repaired)) process.exitCode = 1
    } finally {
      status.close()
    }
  }
}
