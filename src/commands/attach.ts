import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { processStreams } from '../ui/process-streams.ts'

export default class Attach extends EngineCommand {
  static override summary = 'Attach local standard input, output, and error streams to a running container'
  static override description =
    'Ends with the exit status of the container. With a terminal, ctrl-p ctrl-q leaves it running.'
  static override examples = [
    '<%= config.bin %> attach web',
    '<%= config.bin %> attach --no-stdin --sig-proxy=false web',
    '<%= config.bin %> attach --detach-keys ctrl-x web',
  ]
  static override aliases = ['container:attach']
  static override args = { container: Args.string({ description: 'Name or ID', required: true }) }
  static override flags = {
    'detach-keys': Flags.string({ description: 'Override the key sequence for detaching a container' }),
    'no-stdin': Flags.boolean({ description: 'Do not attach STDIN' }),
    'sig-proxy': Flags.boolean({
      description: 'Proxy all received signals to the process',
      allowNo: true,
      default: true,
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Attach)
    const engine = await this.openEngine()
    const options = {
      stdin: flags['no-stdin'] !== true,
      signalProxy: flags['sig-proxy'] !== false,
      detachKeys: flags['detach-keys'],
    }
    process.exitCode = await engine.containers.attach(args.container, options, processStreams())
  }
}
