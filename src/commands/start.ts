import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { UsageError } from '../ui/errors.ts'
import { processStreams } from '../ui/process-streams.ts'

export default class Start extends EngineCommand {
  static override summary = 'Start one or more stopped containers'
  static override examples = ['<%= config.bin %> start web worker', '<%= config.bin %> start -ai shell']
  static override aliases = ['container:start']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = {
    attach: Flags.boolean({ char: 'a', description: 'Attach STDOUT/STDERR and forward signals' }),
    'detach-keys': Flags.string({ description: 'Override the key sequence for detaching a container' }),
    interactive: Flags.boolean({ char: 'i', description: "Attach container's STDIN" }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Start)
    const { attach = false, interactive = false } = flags
    const attached = attach || interactive
    if (attached && args.container.length > 1)
      throw new UsageError('you cannot start and attach multiple containers at once')
    const engine = await this.openEngine()
    await this.eachTarget(args.container, async (name) => {
      const options = { attach: attached, interactive, detachKeys: flags['detach-keys'] }
      const status = await engine.containers.start(name, options, processStreams())
      if (attached) process.exitCode = status
      else this.log(name)
    })
  }
}
