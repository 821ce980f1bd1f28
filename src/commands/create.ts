import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'
import { createFlags } from '../ui/run-flags.ts'

export default class Create extends EngineCommand {
  static override summary = 'Create a new container'
  static override description = 'Makes the container without starting it; coracle start does that. Prints the ID.'
  static override examples = [
    '<%= config.bin %> create --name web --restart always nginx',
    '<%= config.bin %> start -a $(<%= config.bin %> create busybox echo hello)',
  ]
  static override args = {
    image: Args.string({ description: 'Image, or path of a WebAssembly module', required: true }),
    command: Args.string({ description: 'Program and arguments instead of the default ones of the image' }),
  }
  static override strict = false
  static override aliases = ['container:create']
  static override readonly stopAtFirstArgument = true
  static override readonly failureStatus = 125
  static override flags = createFlags

  async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(Create)
    const engine = await this.openEngine()
    const { stderr } = process
    const openTransfer = async () => (await import('../ui/progress.ts')).openProgress(stderr)
    const request = { image: args.image, command: argv.slice(1) as string[], flags }
    this.log(await engine.containers.create(request, { stderr, ...(flags.quiet !== true && { openTransfer }) }))
  }
}
