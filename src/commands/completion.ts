import * as Args from '@oclif/core/args'
import { BaseCommand } from '../base-command.ts'
import { completionScript, SHELLS } from '../ui/completion-scripts.ts'
import { UsageError } from '../ui/errors.ts'

export default class Completion extends BaseCommand {
  static override summary = 'Print what makes a shell complete commands, flags and names'
  static override examples = [
    'source <(<%= config.bin %> completion bash)',
    '<%= config.bin %> completion zsh > "$' + '{fpath[1]}/_coracle"',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/coracle.fish',
  ]
  static override args = { shell: Args.string({ description: 'bash, fish or zsh', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    const shell = SHELLS.find((each) => each === args.shell)
    if (shell === undefined) throw new UsageError(`there is no completion for '${args.shell}': it is bash, fish or zsh`)
    process.stdout.write(completionScript(shell))
  }
}
