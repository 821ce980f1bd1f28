import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'

export default class Debug extends EngineCommand {
  static override summary = 'Open a shell with its own tools beside a container, without changing it'
  static override description =
    'The shell comes from an image of tools and shares the namespaces of a running container; the files of the ' +
    'container, running or stopped, are below /container, read-only.'
  static override examples = [
    '<%= config.bin %> debug web',
    '<%= config.bin %> debug --image alpine web',
    '<%= config.bin %> debug web ps aux',
    '<%= config.bin %> debug stopped cat /container/etc/passwd',
  ]
  static override args = {
    container: Args.string({ description: 'Name or ID', required: true }),
    command: Args.string({ description: 'Program and arguments instead of the shell' }),
  }
  static override strict = false
  static override aliases = ['container:debug']
  static override readonly stopAtFirstArgument = true

  static override flags = {
    image: Flags.string({ description: 'Image of the tools (default $CORACLE_DEBUG_IMAGE, else busybox)' }),
    interactive: Flags.boolean({
      char: 'i',
      description: 'Keep STDIN open (default at a terminal)',
      allowNo: true,
    }),
    tty: Flags.boolean({ char: 't', description: 'Allocate a pseudo-TTY (default at a terminal)', allowNo: true }),
  }

  async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(Debug)
    const engine = await this.openEngine()
    const { stdin, stdout, stderr } = process
    const terminal = stdin.isTTY === true && stdout.isTTY === true
    const request = {
      command: argv.slice(1) as string[],
      image: flags.image,
      interactive: flags.interactive ?? terminal,
      tty: flags.tty ?? terminal,
    }
    const openTransfer = async () => (await import('../ui/progress.ts')).openProgress(stderr)
    process.exitCode = await engine.containers.debug(args.container, request, { stdin, stdout, stderr, openTransfer })
  }
}
