import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'

export default class InternalExited extends EngineCommand {
  static override summary = 'Record the end of a container; its supervisor calls this'
  static override hidden = true
  static override args = { container: Args.string({ description: 'Full ID', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(InternalExited)
    const engine = await this.openEngine()
    await engine.containers.exited(args.container)
  }
}
