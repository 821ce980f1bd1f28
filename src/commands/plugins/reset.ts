import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../../base-command.ts'
import { confirm } from '../../ui/prompt.ts'

export default class PluginsReset extends BaseCommand {
  static override summary = 'Remove all npm plugins, in whatever state they are'
  static override description = 'Commands of single files stay; plugins uninstall removes them.'
  static override examples = ['<%= config.bin %> plugins reset --force']
  static override flags = { force: Flags.boolean({ char: 'f', description: 'Do not prompt for confirmation' }) }

  async run(): Promise<void> {
    const { flags } = await this.parse(PluginsReset)
    if (
      !flags.force &&
      !(await confirm('WARNING! This will remove all npm plugins.\nAre you sure you want to continue?'))
    )
      return
    const { openNpmPlugins } = await import('../../engine/npm-plugins.ts')
    await openNpmPlugins().reset()
  }
}
