import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { confirm } from '../../ui/prompt.ts'
import { humanSize } from '../../ui/units.ts'

const ANONYMOUS = 'WARNING! This will remove anonymous local volumes not used by at least one container.'
const UNUSED = 'WARNING! This will remove all local volumes not used by at least one container.'

export default class VolumePrune extends EngineCommand {
  static override summary = 'Remove unused local volumes'
  static override examples = ['<%= config.bin %> volume prune', '<%= config.bin %> volume prune --all --force']
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'Remove all unused volumes, not just anonymous ones' }),
    filter: Flags.string({
      multiple: true,
      helpValue: 'filter',
      description: 'Provide filter values (e.g. "label=<label>")',
    }),
    force: Flags.boolean({ char: 'f', description: 'Do not prompt for confirmation' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(VolumePrune)
    const all = flags.all ?? false
    if (!flags.force && !(await confirm(`${all ? UNUSED : ANONYMOUS}\nAre you sure you want to continue?`))) return
    const { volumes } = await this.openEngine()
    const { deleted, kept, reclaimedBytes } = await volumes.prune({ all, filters: flags.filter ?? [] })
    if (deleted.length > 0) this.log(['Deleted Volumes:', ...deleted, ''].join('\n'))
    this.log(`Total reclaimed space: ${humanSize(reclaimedBytes)}`)
    this.tellKept(kept)
  }
}
