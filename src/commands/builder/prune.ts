import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { confirm } from '../../ui/prompt.ts'
import { humanSize } from '../../ui/units.ts'

export default class BuilderPrune extends EngineCommand {
  static override summary = 'Remove build cache'
  static override examples = [
    '<%= config.bin %> builder prune',
    '<%= config.bin %> builder prune --all --force --filter until=24h',
  ]
  static override aliases = ['buildx:prune']
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'Remove all unused build cache, not just dangling ones' }),
    filter: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'Provide filter values (e.g., "until=24h", "type=run", "description~=npm", "private")',
    }),
    force: Flags.boolean({ char: 'f', description: 'Do not prompt for confirmation' }),
    'max-used-space': Flags.string({ description: 'Maximum amount of disk space allowed to keep for cache' }),
    'min-free-space': Flags.string({ description: 'Target amount of free disk space after pruning' }),
    'reserved-space': Flags.string({
      aliases: ['keep-storage'],
      description: 'Amount of disk space always allowed to keep for cache',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(BuilderPrune)
    const all = flags.all ?? false
    if (!flags.force && !(await confirm(`${all ? ALL : DANGLING} Are you sure you want to continue?`))) return
    const { builds } = await this.openEngine()
    const { deleted, reclaimedBytes } = await builds.prune({
      all,
      filters: flags.filter ?? [],
      limits: {
        reserved: flags['reserved-space'],
        maxUsed: flags['max-used-space'],
        minFree: flags['min-free-space'],
      },
    })
    if (deleted.length > 0) this.log(['Deleted build cache objects:', ...deleted, ''].join('\n'))
    this.log(`Total reclaimed space: ${humanSize(reclaimedBytes)}`)
  }
}

const ALL = 'WARNING! This will remove all build cache.'
const DANGLING = 'WARNING! This will remove all dangling build cache.'
