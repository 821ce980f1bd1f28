import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../../base-command.ts'

const TEMPLATES = ['command-ts', 'command-wasm', 'backend'] as const

export default class PluginsCreate extends BaseCommand {
  static override summary = 'Write a new plugin to begin with'
  static override examples = [
    '<%= config.bin %> plugins create count',
    '<%= config.bin %> plugins create hello --template command-wasm',
    '<%= config.bin %> plugins create cell --template backend',
  ]
  static override args = {
    name: Args.string({ description: 'Name of the command and of its directory', required: true }),
  }
  static override flags = {
    template: Flags.string({
      default: 'command-ts',
      options: [...TEMPLATES],
      description: "What to write: 'command-ts', 'command-wasm', or 'backend', which npm installs",
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PluginsCreate)
    const { openPlugins } = await import('../../engine/plugins.ts')
    const template = TEMPLATES.find((each) => each === flags.template) ?? 'command-ts'
    for (const path of openPlugins().create(args.name, template)) this.log(path)
  }
}
