import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'

export default class Commit extends EngineCommand {
  static override summary = "Create a new image from a container's changes"
  static override usage = '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]'
  static override examples = [
    '<%= config.bin %> commit web web:patched',
    '<%= config.bin %> commit -m "debug tools" -c \'CMD ["sh"]\' web',
  ]
  static override aliases = ['container:commit']
  static override args = {
    container: Args.string({ description: 'Name or ID', required: true }),
    repository: Args.string({ description: 'Name of the new image' }),
  }
  static override flags = {
    author: Flags.string({ char: 'a', description: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")' }),
    change: Flags.string({
      char: 'c',
      multiple: true,
      description: 'Apply Dockerfile instruction to the created image',
    }),
    message: Flags.string({ char: 'm', description: 'Commit message' }),
    pause: Flags.boolean({ char: 'p', allowNo: true, description: 'Pause container during commit (default true)' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Commit)
    const engine = await this.openEngine()
    const id = await engine.containers.commit(args.container, {
      reference: args.repository,
      author: flags.author,
      message: flags.message,
      changes: flags.change ?? [],
      signal: this.interruption(),
      ...(flags.pause !== undefined && { pause: flags.pause }),
    })
    this.log(id)
  }
}
