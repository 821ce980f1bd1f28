import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { formatDocuments } from '../ui/format-rows.ts'
import { infoLines } from '../ui/info-lines.ts'

export default class Info extends EngineCommand {
  static override summary = 'Display system-wide information'
  static override examples = ['<%= config.bin %> info', "<%= config.bin %> info --format '{{.DockerRootDir}}'"]
  static override aliases = ['system:info']
  static override flags = {
    format: Flags.string({ char: 'f', description: "Format output using a custom template: 'json' or a Go template" }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Info)
    const { system } = await this.openEngine()
    const info = await system.info()
    const lines = flags.format === undefined ? infoLines(info) : formatDocuments([info], flags.format)
    for (const line of lines) this.log(line)
    if (flags.format === undefined)
      for (const warning of info['Warnings'] as readonly string[]) this.logToStderr(warning)
  }
}
