import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'

export default class Tag extends EngineCommand {
  static override summary = 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE'
  static override usage = 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]'
  static override examples = ['<%= config.bin %> tag busybox localhost:5000/busybox:1.0']
  static override aliases = ['image:tag']
  static override args = {
    source: Args.string({ description: 'Name or ID of an image', required: true }),
    target: Args.string({ description: 'Its new name', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Tag)
    const engine = await this.openEngine()
    await engine.images.tag(args.source, args.target)
  }
}
