import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'

export default class InternalRestart extends EngineCommand {
  static override summary = 'Start a container whose pause before a restart is over'
  static override hidden = true
  static override args = { container: Args.string({ description: 'Full ID', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(InternalRestart)
    const engine = await this.openEngine()
    await engine.containers.restartDue(args.container)
  }
}
