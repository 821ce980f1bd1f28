import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { builderLines, checkBuilder } from '../../ui/builder-lines.ts'

export default class BuildxInspect extends EngineCommand {
  static override summary = 'Inspect the builder'
  static override examples = ['<%= config.bin %> buildx inspect']
  static override args = { name: Args.string({ description: 'Name of the builder: default' }) }
  static override flags = {
    bootstrap: Flags.boolean({ description: 'Ensure that the builder has booted: it always has' }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(BuildxInspect)
    checkBuilder(args.name)
    const { builds } = await this.openEngine()
    for (const line of builderLines(await builds.platforms(), this.config.version)) this.log(line)
  }
}
