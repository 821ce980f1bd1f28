import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { openInput } from '../ui/streams.ts'

export default class Import extends EngineCommand {
  static override summary = 'Import the contents from a tarball to create a filesystem image'
  static override usage = '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]'
  static override examples = [
    '<%= config.bin %> import rootfs.tar debian:mine',
    'tar -C rootfs -c . | <%= config.bin %> import --change \'CMD ["sh"]\' - tiny',
    '<%= config.bin %> import --platform wasi/wasm module.tar hello',
  ]
  static override aliases = ['image:import']
  static override args = {
    source: Args.string({ description: 'File, URL, or - for standard input', required: true }),
    repository: Args.string({ description: 'Name of the new image' }),
  }
  static override flags = {
    change: Flags.string({
      char: 'c',
      multiple: true,
      description: 'Apply Dockerfile instruction to the created image',
    }),
    message: Flags.string({ char: 'm', description: 'Set commit message for imported image' }),
    platform: Flags.string({ description: 'Set platform of the image' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Import)
    const input = await openInput(args.source, 'import')
    const engine = await this.openEngine()
    const id = await engine.images.import(input, {
      changes: flags.change ?? [],
      ...(args.repository !== undefined && { reference: args.repository }),
      ...(flags.message !== undefined && { message: flags.message }),
      ...(flags.platform !== undefined && { platform: flags.platform }),
    })
    this.log(id)
  }
}
