import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { confirm } from '../../ui/prompt.ts'

export default class NetworkPrune extends EngineCommand {
  static override summary = 'Remove all unused networks'
  static override examples = [
    '<%= config.bin %> network prune',
    '<%= config.bin %> network prune --force --filter until=24h',
  ]
  static override flags = {
    filter: Flags.string({
      multiple: true,
      helpValue: 'filter',
      description: 'Provide filter values (e.g. "until=<timestamp>", "label=<key>=<value>")',
    }),
    force: Flags.boolean({ char: 'f', description: 'Do not prompt for confirmation' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(NetworkPrune)
    const question =
      'WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue?'
    if (!flags.force && !(await confirm(question))) return
    const { networks } = await this.openEngine()
    const { deleted, kept } = await networks.prune(flags.filter ?? [])
    if (deleted.length > 0) this.log(['Deleted Networks:', ...deleted, ''].join('\n'))
    this.tellKept(kept)
  }
}
