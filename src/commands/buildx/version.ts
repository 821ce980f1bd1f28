import { BaseCommand } from '../../base-command.ts'

export default class BuildxVersion extends BaseCommand {
  static override summary = 'Show the version of the builder'
  static override examples = ['<%= config.bin %> buildx version']

  async run(): Promise<void> {
    await this.parse(BuildxVersion)
    this.log(`coracle ${this.config.version}`)
  }
}
