import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { loadedLine } from '../ui/image-rows.ts'
import { openInput } from '../ui/streams.ts'

export default class Load extends EngineCommand {
  static override summary = 'Load an image from a tar archive or STDIN'
  static override examples = ['<%= config.bin %> load -i app.tar', 'xz -d < app.tar.xz | <%= config.bin %> load']
  static override aliases = ['image:load']
  static override flags = {
    input: Flags.string({ char: 'i', description: 'Read from tar archive file, instead of STDIN' }),
    platform: Flags.string({ description: 'Load only the image of this platform' }),
    quiet: Flags.boolean({ char: 'q', description: 'Suppress the load output' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Load)
    const input = await openInput(flags.input, 'load')
    const engine = await this.openEngine()
    const names = await engine.images.load(input, {
      ...(await this.transferOptions((flags.quiet ?? false) || !process.stdout.isTTY, process.stdout)),
      signal: this.interruption(),
      ...(flags.platform !== undefined && { platform: flags.platform }),
    })
    this.endProgress()
    for (const name of names) this.log(loadedLine(name))
  }
}
