import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'
import { processStreams } from '../ui/process-streams.ts'
import { runFlags } from '../ui/run-flags.ts'

export default class Run extends EngineCommand {
  static override summary = 'Create and run a new container from an image'
  static override description =
    'The image is pulled when it is not here. A path such as ./module.wasm runs a WebAssembly module without any image.'
  static override examples = [
    '<%= config.bin %> run --rm busybox echo hello',
    '<%= config.bin %> run -it --rm alpine sh',
    '<%= config.bin %> run --rm -m 64m --cpus 0.5 -v "$PWD:/src:ro" -w /src python:3 python test.py',
    '<%= config.bin %> run --rm ./module.wasm argument',
  ]
  static override args = {
    image: Args.string({ description: 'Image, or path of a WebAssembly module', required: true }),
    command: Args.string({ description: 'Program and arguments instead of the default ones of the image' }),
  }
  static override strict = false
  static override aliases = ['container:run']
  static override readonly stopAtFirstArgument = true
  static override readonly failureStatus = 125

  static override flags = runFlags

  async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(Run)
    const engine = await this.openEngine()
    const request = { image: args.image, command: argv.slice(1) as string[], flags }
    const openTransfer = async () => (await import('../ui/progress.ts')).openProgress(process.stderr)
    const io = Object.assign(processStreams(), flags.quiet === true ? {} : { openTransfer })
    process.exitCode = await engine.containers.run(request, io)
  }
}
