import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../base-command.ts'

export default class Version extends BaseCommand {
  static override summary = 'Show the Coracle version information'
  static override examples = ['<%= config.bin %> version', "<%= config.bin %> version --format '{{.Client.Version}}'"]
  static override flags = {
    format: Flags.string({ description: "Format output using a custom template ('json' or a Go template)", char: 'f' }),
    short: Flags.boolean({ description: 'Print one line', hidden: true }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Version)
    const { version } = this.config
    if (flags.short) return this.log(`Coracle version ${version}`)
    this.log(version)
  }
}
