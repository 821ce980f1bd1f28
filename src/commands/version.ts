import { release } from 'node:os'
import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../base-command.ts'

export default class Version extends BaseCommand {
  static override summary = 'Show the Coracle version information'
  static override examples = ['<%= config.bin %> version', "<%= config.bin %> version --format '{{.Client.Version}}'"]
  static override flags = {
    format: Flags.string({ char: 'f', description: "Format output using a custom template: 'json' or a Go template" }),
    short: Flags.boolean({ hidden: true, description: 'Print one line' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Version)
    const { version } = this.config
    if (flags.short) return this.log(`Coracle version ${version}`)
    const Arch = process.arch === 'x64' ? 'amd64' : process.arch
    const engine = { Version: version, Node: process.version, Os: process.platform, Arch }
    if (flags.format !== undefined) {
      const { formatDocuments } = await import('../ui/format-rows.ts')
      const Server = { Platform: { Name: 'Coracle' }, ...engine, KernelVersion: release() }
      // There is no server: what docker's users ask of it, the engine in this process answers.
      for (const line of formatDocuments([{ Client: engine, Server }], flags.format)) this.log(line)
      return
    }
    this.log('Client: Coracle')
    this.log(` Version:           ${version}`)
    this.log(` Node version:      ${process.version}`)
    this.log(` OS/Arch:           ${process.platform}/${Arch}`)
    this.log('\nServer: in the same process, no daemon')
    this.log(' Engine:')
    this.log(`  Version:          ${version}`)
    this.log(`  OS/Arch:          ${process.platform}/${Arch}`)
  }
}
