import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { shortName } from '../ui/image-rows.ts'

export default class Pull extends EngineCommand {
  static override summary = 'Download an image from a registry'
  static override usage = '[OPTIONS] NAME[:TAG|@DIGEST]'
  static override examples = [
    '<%= config.bin %> pull busybox',
    '<%= config.bin %> pull --platform linux/arm64 debian:12',
    '<%= config.bin %> pull localhost:5000/team/app@sha256:…',
  ]
  static override aliases = ['image:pull']
  static override args = { name: Args.string({ description: 'Image to download', required: true }) }
  static override flags = {
    'all-tags': Flags.boolean({ char: 'a', description: 'Download all tagged images in the repository' }),
    platform: Flags.string({ description: 'Set platform if the image has several', env: 'DOCKER_DEFAULT_PLATFORM' }),
    quiet: Flags.boolean({ char: 'q', description: 'Suppress verbose output' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Pull)
    const quiet = flags.quiet ?? false
    const engine = await this.openEngine()
    const transfer = await this.transferOptions(quiet, process.stdout)
    if (!quiet && !/[:@]/.test(args.name.slice(args.name.lastIndexOf('/') + 1)) && !flags['all-tags']) {
      this.log('Using default tag: latest')
    }
    const { reference, digest, upToDate } = await engine.images.pull(args.name, {
      ...transfer,
      signal: this.interruption(),
      allTags: flags['all-tags'] ?? false,
      ...(flags.platform !== undefined && { platform: flags.platform }),
    })
    this.endProgress()
    if (!quiet) {
      const name = shortName(reference)
      this.log(`Digest: ${digest}`)
      this.log(`Status: ${upToDate ? 'Image is up to date' : 'Downloaded newer image'} for ${name}`)
    }
    this.log(reference)
  }
}
