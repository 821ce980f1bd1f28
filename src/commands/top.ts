import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'
import { formatTable } from '../ui/table.ts'

/** docker's, of this table alone. */
const MIN_WIDTH = 20

export default class Top extends EngineCommand {
  static override summary = 'Display the running processes of a container'
  static override description = 'Options behind the container are those of ps; without any they are -ef.'
  static override examples = ['<%= config.bin %> top web', '<%= config.bin %> top web -o pid,rss,args']
  static override aliases = ['container:top']
  static override args = {
    container: Args.string({ description: 'Name or ID', required: true }),
    options: Args.string({ description: 'Options of ps' }),
  }
  static override strict = false
  static override readonly stopAtFirstArgument = true

  async run(): Promise<void> {
    const { args, argv } = await this.parse(Top)
    const engine = await this.openEngine()
    const { titles, processes } = await engine.containers.top(args.container, argv.slice(1) as string[])
    for (const line of formatTable([titles, ...processes], MIN_WIDTH)) this.log(line)
  }
}
