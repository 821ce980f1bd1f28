import * as Args from '@oclif/core/args'
import { BaseCommand } from '../../base-command.ts'

export default class PluginsRevoke extends BaseCommand {
  static override summary = 'Take permissions back from a plugin'
  static override description = 'Without permissions named, all of them. What is left is printed.'
  static override examples = [
    '<%= config.bin %> plugins revoke hello net',
    '<%= config.bin %> plugins revoke hello read=/data',
  ]
  static override args = {
    plugin: Args.string({ description: 'Name', required: true }),
    permission: Args.string({
      description: 'As plugins inspect shows it, or its kind: read, write, env, net, run, engine',
      multiple: true,
    }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(PluginsRevoke)
    const { openPlugins } = await import('../../engine/plugins.ts')
    const { granted } = await openPlugins().revoke(args.plugin, args.permission ?? [])
    for (const permission of granted) this.log(permission)
  }
}
