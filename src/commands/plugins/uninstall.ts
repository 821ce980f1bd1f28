import * as Args from '@oclif/core/args'
import { BaseCommand } from '../../base-command.ts'

export default class PluginsUninstall extends BaseCommand {
  static override summary = 'Remove one or more plugins'
  static override examples = ['<%= config.bin %> plugins uninstall hello']
  static override aliases = ['plugins:remove', 'plugins:rm']
  static override args = { plugin: Args.string({ description: 'Name', required: true, multiple: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(PluginsUninstall)
    const { openPlugins } = await import('../../engine/plugins.ts')
    const { openNpmPlugins } = await import('../../engine/npm-plugins.ts')
    const plugins = openPlugins()
    const packages = openNpmPlugins()
    await this.eachTarget(args.plugin, async (name) => {
      if (packages.has(name)) await packages.uninstall(name)
      else await plugins.remove(name)
      this.log(name)
    })
  }
}
