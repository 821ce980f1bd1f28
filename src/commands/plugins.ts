import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../base-command.ts'
import { formatRows } from '../ui/format-rows.ts'

export default class Plugins extends BaseCommand {
  static override summary = 'List plugins'
  static override description = 'Commands: coracle plugins add, create, inspect, revoke, uninstall, update'
  static override examples = ['<%= config.bin %> plugins', "<%= config.bin %> plugins --format '{{.Name}} {{.Digest}}'"]
  static override aliases = ['plugins:ls', 'plugins:list']
  static override flags = {
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    quiet: Flags.boolean({ char: 'q', description: 'Only display names' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Plugins)
    const { openPlugins } = await import('../engine/plugins.ts')
    const { plugins, broken } = openPlugins().list()
    const rows = plugins.map(({ name, language, granted, declaration, digest, origin }) => ({
      Name: name,
      Type: language,
      Summary: declaration.summary,
      Permissions: granted.join(', '),
      Digest: digest,
      Origin: origin,
    }))
    const columns = ['Name', 'Type', 'Permissions', 'Summary']
    const format = flags.format ?? (flags.quiet ? '{{.Name}}' : undefined)
    const headings = { Name: 'NAME', Type: 'TYPE', Permissions: 'PERMISSIONS', Summary: 'SUMMARY', Digest: 'DIGEST' }
    for (const line of formatRows(rows, { format, columns, headings })) this.log(line)
    for (const { message, hint } of broken) this.logToStderr(`WARNING: ${message}: ${hint}`)
  }
}
