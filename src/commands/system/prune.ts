import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { UsageError } from '../../ui/errors.ts'
import { confirm } from '../../ui/prompt.ts'
import { humanSize } from '../../ui/units.ts'

export default class SystemPrune extends EngineCommand {
  static override summary = 'Remove unused data'
  static override description =
    'Removes stopped containers, networks without containers, images that nobody names (-a: that nobody uses), build cache that no image has (-a: all), and content nothing needs; with -a also caches not used in the last minute.'
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
    volumes: Flags.boolean({ description: 'Prune anonymous volumes' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemPrune)
    const all = flags.all ?? false
    const filters = flags.filter ?? []
    if (flags.volumes && filters.some((filter) => filter.startsWith('until=')))
      throw new UsageError('The "until" filter is not supported with "--volumes"', 1)
    if (!flags.force && !(await confirm(question({ all, volumes: flags.volumes ?? false, filters })))) return
    const { system } = await this.openEngine()
    const result = await system.prune({ all, volumes: flags.volumes ?? false, filters })
    if (result.containers.length > 0) this.log(['Deleted Containers:', ...result.containers, ''].join('\n'))
    if (result.volumes.length > 0) this.log(['Deleted Volumes:', ...result.volumes, ''].join('\n'))
    if (result.networks.length > 0) this.log(['Deleted Networks:', ...result.networks, ''].join('\n'))
    if (result.images.length > 0) this.log(['Deleted Images:', ...result.images, ''].join('\n'))
    if (result.cache.length > 0) this.log(['Deleted build cache objects:', ...result.cache, ''].join('\n'))
    this.log(`Total reclaimed space: ${humanSize(result.reclaimedBytes)}`)
    this.tellKept(result.kept)
  }
}

interface Choice {
  readonly all: boolean
  readonly volumes: boolean
  readonly filters: readonly string[]
}

/** docker's words. */
function question({ all, volumes, filters }: Choice): string {
  return [
    'WARNING! This will remove:',
    '  - all stopped containers',
    '  - all networks not used by at least one container',
    ...(volumes ? ['  - all anonymous volumes not used by at least one container'] : []),
    `  - ${all ? 'all images without at least one container associated to them' : 'all dangling images'}`,
    `  - ${all ? 'all build cache' : 'unused build cache'}`,
    '  - all content that nothing refers to',
    ...(all && filters.length === 0 ? ['  - all caches of filters, modules and components'] : []),
    ...(filters.length === 0 ? [] : ['', '  Items to be pruned will be filtered with:']),
    ...filters.map((filter) => `  - ${filter}`),
    '',
    'Are you sure you want to continue?',
  ].join('\n')
}
