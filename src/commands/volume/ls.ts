import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { formatRows } from '../../ui/format-rows.ts'

export default class VolumeLs extends EngineCommand {
  static override summary = 'List volumes'
  static override examples = [
    '<%= config.bin %> volume ls',
    '<%= config.bin %> volume ls -q --filter dangling=true',
    "<%= config.bin %> volume ls --format '{{.Name}} {{.Mountpoint}}'",
  ]
  static override aliases = ['volume:list']
  static override flags = {
    filter: Flags.string({
      char: 'f',
      multiple: true,
      helpValue: 'filter',
      description: 'Provide filter values (e.g. "dangling=true", "name=data", "label=key")',
    }),
    format: Flags.string({ description: "Format output: 'table', 'table TEMPLATE', 'json', or a Go template" }),
    quiet: Flags.boolean({ char: 'q', description: 'Only display volume names' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(VolumeLs)
    const engine = await this.openEngine()
    const volumes = await engine.volumes.list(flags.filter ?? [])
    const rows = volumes.map(({ Name, Driver, Mountpoint, Scope, Labels }) => ({
      Availability: 'N/A',
      Driver,
      Group: 'N/A',
      Labels: Object.entries(Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Links: 'N/A',
      Mountpoint,
      Name,
      Scope,
      Size: 'N/A',
      Status: 'N/A',
    }))
    const format = flags.format ?? (flags.quiet ? '{{.Name}}' : engine.userSetting('volumesFormat'))
    const headings = { Driver: 'DRIVER', Name: 'VOLUME NAME' }
    for (const line of formatRows(rows, { format, columns: ['Driver', 'Name'], headings })) this.log(line)
  }
}
