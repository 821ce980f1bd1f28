import * as Args from '@oclif/core/args'
import { BaseCommand } from '../../base-command.ts'

export default class PluginsLink extends BaseCommand {
  static override summary = 'Use npm plugins from the directories in which they are worked on'
  static override description = 'What changes there holds at once. Their dependencies are yours to install.'
  static override examples = ['<%= config.bin %> plugins link ./coracle-plugin-cell']
  static override args = {
    path: Args.string({ description: 'Directory with a package.json', required: true, multiple: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(PluginsLink)
    const { openNpmPlugins } = await import('../../engine/npm-plugins.ts')
    const plugins = openNpmPlugins()
    await this.eachTarget(args.path, async (path) => {
      const plugin = await plugins.link(path)
      this.log(`${plugin.name}@${plugin.version}`)
      for (const fault of plugin.faults) this.logToStderr(`WARNING: ${plugin.name}: ${fault}`)
    })
  }
}
