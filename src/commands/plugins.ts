import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../base-command.ts'
import { formatRows } from '../ui/format-rows.ts'

const HEADINGS = {
  Name: 'NAME',
  Type: 'TYPE',
  Version: 'VERSION',
  Permissions: 'PERMISSIONS',
  Summary: 'SUMMARY',
  Digest: 'DIGEST',
}

export default class Plugins extends BaseCommand {
  static override summary = 'List plugins'
  static override description =
    'Commands: coracle plugins add, create, inspect, install, link, publish, reset, revoke, uninstall, update'
  static override examples = ['<%= config.bin %> plugins', "<%= config.bin %> plugins --format '{{.Name}} {{.Digest}}'"]
  static override aliases = ['plugins:ls', 'plugins:list']
  static override flags = {
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    json: Flags.boolean({ description: 'The same as --format json' }),
    quiet: Flags.boolean({ char: 'q', description: 'Only display names' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Plugins)
    const { openPlugins } = await import('../engine/plugins.ts')
    const { openNpmPlugins } = await import('../engine/npm-plugins.ts')
    const { plugins, broken } = openPlugins().list()
    const { packages, broken: unread } = openNpmPlugins().list()
    const files = plugins.map(({ name, language, granted, declaration, digest, origin }) => ({
      Name: name,
      Type: language,
      Summary: declaration.summary,
      Permissions: granted.join(', '),
      Digest: digest,
      Origin: origin,
      Version: declaration.version,
    }))
    const npm = packages.map(({ name, type, version, summary, integrity, origin }) => ({
      Name: name,
      Type: type === 'link' ? 'link' : 'npm',
      Summary: summary,
      Permissions: 'all',
      Digest: integrity,
      Origin: origin,
      Version: version,
    }))
    const rows = [...files, ...npm]
    const columns = ['Name', 'Type', 'Version', 'Permissions', 'Summary']
    const format = flags.format ?? (flags.json ? 'json' : flags.quiet ? '{{.Name}}' : undefined)
    for (const line of formatRows(rows, { format, columns, headings: HEADINGS })) this.log(line)
    for (const { name, faults } of packages) for (const fault of faults) this.logToStderr(`WARNING: ${name}: ${fault}`)
    for (const { message, hint } of [...broken, ...(unread === undefined ? [] : [unread])])
      this.logToStderr(`WARNING: ${message}: ${hint}`)
  }
}
