import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'

export default class Diff extends EngineCommand {
  static override summary = "Inspect changes to files or directories on a container's filesystem"
  static override description =
    'A: added, C: changed, D: deleted since the container was created. For two images: image diff.'
  static override examples = ['<%= config.bin %> diff web']
  static override aliases = ['container:diff']
  static override args = { container: Args.string({ description: 'Name or ID', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(Diff)
    const engine = await this.openEngine()
    for (const { kind, path } of await engine.containers.changes(args.container)) this.log(`${kind} ${path}`)
  }
}
