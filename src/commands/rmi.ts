import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'

export default class Rmi extends EngineCommand {
  static override summary = 'Remove one or more images'
  static override examples = [
    '<%= config.bin %> rmi busybox:1.36',
    '<%= config.bin %> rmi $(<%= config.bin %> images -q --filter dangling=true)',
  ]
  static override aliases = ['image:rm', 'image:remove']
  static override args = { image: Args.string({ description: 'Name or ID', required: true, multiple: true }) }
  static override flags = {
    force: Flags.boolean({ char: 'f', description: 'Force removal of the image' }),
    'no-prune': Flags.boolean({ description: 'Do not delete untagged parents' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Rmi)
    const engine = await this.openEngine()
    await this.eachTarget(args.image, async (name) => {
      const options = { force: flags.force ?? false, noPrune: flags['no-prune'] ?? false }
      const { untagged, deleted } = await engine.images.remove(name, options)
      for (const reference of untagged) this.log(`Untagged: ${reference}`)
      for (const id of deleted) this.log(`Deleted: ${id}`)
    })
  }
}
