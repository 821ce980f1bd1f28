import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'

export default class ImageTags extends EngineCommand {
  static override summary = 'List the tags that a registry has of a repository'
  static override examples = [
    '<%= config.bin %> image tags debian',
    '<%= config.bin %> image tags localhost:5000/team/app',
  ]
  static override args = { repository: Args.string({ description: 'Repository', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(ImageTags)
    const engine = await this.openEngine()
    // Printed as the pages come: a large repository has tens of thousands.
    for await (const tag of engine.images.tags(args.repository)) this.log(tag)
  }
}
