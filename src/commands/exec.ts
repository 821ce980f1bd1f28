import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { processStreams } from '../ui/process-streams.ts'

const repeated = { multiple: true, multipleNonGreedy: true } as const

export default class Exec extends EngineCommand {
  static override summary = 'Execute a command in a running container'
  static override examples = [
    '<%= config.bin %> exec web ls /var/log',
    '<%= config.bin %> exec -it web sh',
    '<%= config.bin %> exec -u root -w /tmp -e DEBUG=1 web ./fix-it',
    '<%= config.bin %> exec -d web touch /tmp/was-here',
  ]
  static override args = {
    container: Args.string({ description: 'Name or ID', required: true }),
    command: Args.string({ description: 'Program and arguments', required: true }),
  }
  static override strict = false
  static override aliases = ['container:exec']
  static override readonly stopAtFirstArgument = true

  static override flags = {
    detach: Flags.boolean({ char: 'd', description: 'Detached mode: run command in the background' }),
    'detach-keys': Flags.string({ description: 'Override the key sequence for detaching a container' }),
    env: Flags.string({ char: 'e', description: 'Set environment variables', ...repeated }),
    'env-file': Flags.string({ description: 'Read in a file of environment variables', ...repeated }),
    interactive: Flags.boolean({ char: 'i', description: 'Keep STDIN open even if not attached' }),
    privileged: Flags.boolean({ description: 'Give extended privileges to the command' }),
    tty: Flags.boolean({ char: 't', description: 'Allocate a pseudo-TTY' }),
    user: Flags.string({ char: 'u', description: 'Username or UID (format: "<name|uid>[:<group|gid>]")' }),
    workdir: Flags.string({ char: 'w', description: 'Working directory inside the container' }),
  }

  async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(Exec)
    const engine = await this.openEngine()
    const request = {
      command: argv.slice(1) as string[],
      detach: flags.detach ?? false,
      interactive: flags.interactive ?? false,
      tty: flags.tty ?? false,
      privileged: flags.privileged ?? false,
      user: flags.user,
      workdir: flags.workdir,
      env: flags.env ?? [],
      envFiles: flags['env-file'] ?? [],
      detachKeys: flags['detach-keys'],
    }
    process.exitCode = await engine.containers.exec(args.container, request, processStreams())
    for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve))
    // Taking Node apart, and the last one to close the database syncing it to the disk, would take longer than many a
    // program that is run; a database left open is as safe as one that was closed.
    process.exit()
  }
}
