import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { confirm } from '../../ui/prompt.ts'
import { humanSize } from '../../ui/units.ts'

export default class SystemPrune extends EngineCommand {
  static override summary = 'Remove unused data'
  static override description =
    'Removes stopped containers, images that nobody names (-a: that nobody uses), and content nothing needs.'
  static override examples = [
    '<%= config.bin %> system prune',
    '<%= config.bin %> system prune --all --force --filter until=24h',
  ]
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'Remove all unused images not just dangling ones' }),
    filter: Flags.string({
      multiple: true,
      helpValue: 'filter',
      description: 'Provide filter values (e.g. "label=<key>=<value>", "until=<timestamp>")',
    }),
    force: Flags.boolean({ char: 'f', description: 'Do not prompt for confirmation' }),
    volumes: Flags.boolean({ description: 'Prune anonymous volumes (they go with their containers in any case)' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemPrune)
    const all = flags.all ?? false
    if (!flags.force && !(await confirm(question(all)))) return
    const { system } = await this.openEngine()
    const result = await system.prune({ all, volumes: flags.volumes ?? false, filters: flags.filter ?? [] })
    if (result.containers.length > 0) this.log(['Deleted Containers:', ...result.containers, ''].join('\n'))
    if (result.images.length > 0) this.log(['Deleted Images:', ...result.images, ''].join('\n'))
    this.log(`Total reclaimed space: ${humanSize(result.reclaimedBytes)}`)
  }
}

function question(all: boolean): string {
  return `WARNING! This will remove:
  - all stopped containers
  - ${all ? 'all images without at least one container associated to them' : 'all dangling images'}
  - all content that nothing refers to

Are you sure you want to continue?`
}
