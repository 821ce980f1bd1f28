import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { confirm } from '../../ui/prompt.ts'
import { humanSize } from '../../ui/units.ts'

const DANGLING = 'WARNING! This will remove all dangling images.'
const UNUSED = 'WARNING! This will remove all images without at least one container associated to them.'

export default class ImagePrune extends EngineCommand {
  static override summary = 'Remove unused images'
  static override examples = [
    '<%= config.bin %> image prune',
    '<%= config.bin %> image prune --all --force --filter until=240h',
  ]
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'Remove all unused images, not just dangling ones' }),
    filter: Flags.string({
      multiple: true,
      helpValue: 'filter',
      description: 'Provide filter values (e.g. "until=<timestamp>", "label=<key>=<value>")',
    }),
    force: Flags.boolean({ char: 'f', description: 'Do not prompt for confirmation' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(ImagePrune)
    const all = flags.all ?? false
    if (!flags.force && !(await confirm(`${all ? UNUSED : DANGLING}\nAre you sure you want to continue?`))) return
    const engine = await this.openEngine()
    const { untagged, deleted, reclaimedBytes } = await engine.images.prune({ all, filters: flags.filter ?? [] })
    if (untagged.length + deleted.length > 0) this.log('Deleted Images:')
    for (const reference of untagged) this.log(`untagged: ${reference}`)
    for (const id of deleted) this.log(`deleted: ${id}`)
    if (untagged.length + deleted.length > 0) this.log()
    this.log(`Total reclaimed space: ${humanSize(reclaimedBytes)}`)
  }
}
