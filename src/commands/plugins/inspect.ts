import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../../base-command.ts'
import { formatDocuments } from '../../ui/format-rows.ts'

export default class PluginsInspect extends BaseCommand {
  static override summary = 'Show what plugins are and what they may do'
  static override examples = [
    '<%= config.bin %> plugins inspect hello',
    "<%= config.bin %> plugins inspect --format '{{json .Granted}}' hello",
  ]
  static override args = { plugin: Args.string({ description: 'Name', required: true, multiple: true }) }
  static override flags = {
    format: Flags.string({ char: 'f', description: "Format output using a custom template: 'json' or a Go template" }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PluginsInspect)
    const { openPlugins } = await import('../../engine/plugins.ts')
    const { openNpmPlugins } = await import('../../engine/npm-plugins.ts')
    const plugins = openPlugins()
    const packages = openNpmPlugins()
    const documents: object[] = []
    try {
      await this.eachTarget(args.plugin, async (name) => {
        if (packages.has(name)) return void documents.push(packages.inspect(name))
        const { declaration, ...plugin } = plugins.read(name)
        documents.push({
          Name: plugin.name,
          Type: plugin.language,
          Summary: declaration.summary,
          Origin: plugin.origin,
          Digest: plugin.digest,
          Pinned: plugin.pin,
          Version: declaration.version,
          Size: plugin.sizeBytes,
          Installed: plugin.installedAt,
          Contract: declaration.contract,
          Wanted: declaration.permissions,
          Granted: plugin.granted,
        })
      })
    } finally {
      for (const line of formatDocuments(documents, flags.format)) this.log(line)
    }
  }
}
