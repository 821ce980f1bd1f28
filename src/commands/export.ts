import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { openOutput } from '../ui/streams.ts'

export default class Export extends EngineCommand {
  static override summary = "Export a container's filesystem as a tar archive"
  static override description = 'What is mounted in the container, volumes among them, is not part of it.'
  static override examples = [
    '<%= config.bin %> export -o web.tar web',
    '<%= config.bin %> export web | <%= config.bin %> import - web:flat',
  ]
  static override aliases = ['container:export']
  static override args = { container: Args.string({ description: 'Name or ID', required: true }) }
  static override flags = {
    output: Flags.string({ char: 'o', description: 'Write to a file, instead of STDOUT' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Export)
    await using output = await openOutput(flags.output)
    const engine = await this.openEngine()
    await engine.containers.export(args.container, output.stream, this.interruption())
    await output.finish()
  }
}
