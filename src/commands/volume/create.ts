import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { UsageError } from '../../ui/errors.ts'
import { keyValues } from '../../ui/key-values.ts'

export default class VolumeCreate extends EngineCommand {
  static override summary = 'Create a volume'
  static override examples = [
    '<%= config.bin %> volume create data',
    '<%= config.bin %> volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=64m scratch',
  ]
  static override args = { volume: Args.string({ description: 'Name; without one, a random one' }) }
  static override flags = {
    driver: Flags.string({ char: 'd', description: 'Specify volume driver name', default: 'local' }),
    label: Flags.string({ multiple: true, description: 'Set metadata for a volume' }),
    name: Flags.string({ description: 'Specify volume name', hidden: true }),
    opt: Flags.string({
      char: 'o',
      multiple: true,
      description: 'Set driver specific options (type, device, o, size)',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VolumeCreate)
    if (flags.name !== undefined && args.volume !== undefined)
      throw new UsageError(
        'conflicting options: cannot specify a volume name through both --name and as a positional arg',
      )
    const { volumes } = await this.openEngine()
    const made = await volumes.create({
      name: args.volume ?? flags.name ?? '',
      driver: flags.driver,
      labels: keyValues(flags.label ?? []),
      options: keyValues(flags.opt ?? []),
    })
    this.log(made)
  }
}
