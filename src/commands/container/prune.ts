import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { confirm } from '../../ui/prompt.ts'
import { humanSize } from '../../ui/units.ts'

export default class ContainerPrune extends EngineCommand {
  static override summary = 'Remove all stopped containers'
  static override examples = [
    '<%= config.bin %> container prune',
    '<%= config.bin %> container prune --force --filter until=24h --filter label!=keep',
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
    const { flags } = await this.parse(ContainerPrune)
    const question = 'WARNING! This will remove all stopped containers.\nAre you sure you want to continue?'
    if (!flags.force && !(await confirm(question))) return
    const engine = await this.openEngine()
    const { deleted, reclaimedBytes } = await engine.containers.prune(flags.filter ?? [])
    if (deleted.length > 0) this.log(['Deleted Containers:', ...deleted, ''].join('\n'))
    this.log(`Total reclaimed space: ${humanSize(reclaimedBytes)}`)
  }
}
