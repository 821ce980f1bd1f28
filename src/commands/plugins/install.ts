import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../../base-command.ts'

export default class PluginsInstall extends BaseCommand {
  static override summary = 'Install plugins with npm'
  static override description =
    'An npm plugin brings commands, isolation backends and drivers. It runs with all that you may do: install what you trust.\nPackages may run no programs of their own while they are installed, unless --allow-scripts says so.'
  static override examples = [
    '<%= config.bin %> plugins install @example/coracle-plugin-cell',
    '<%= config.bin %> plugins install @example/coracle-plugin-cell@1.2.0',
    '<%= config.bin %> plugins install file:./coracle-plugin-cell-1.0.0.tgz',
  ]
  static override args = {
    package: Args.string({
      description: 'NAME, NAME@VERSION, file:PATH, or an address of a tarball or a git repository',
      required: true,
      multiple: true,
    }),
  }
  static override flags = {
    'allow-scripts': Flags.boolean({ description: 'Let packages run their install scripts' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PluginsInstall)
    const { openNpmPlugins } = await import('../../engine/npm-plugins.ts')
    const plugins = openNpmPlugins()
    await this.eachTarget(args.package, async (spec) => {
      const plugin = await plugins.install(spec, { scripts: flags['allow-scripts'] ?? false })
      this.log(`${plugin.name}@${plugin.version}`)
      for (const fault of plugin.faults) this.logToStderr(`WARNING: ${plugin.name}: ${fault}`)
    })
  }
}
