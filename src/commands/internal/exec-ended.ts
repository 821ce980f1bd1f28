import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'

export default class InternalExecEnded extends EngineCommand {
  static override summary = 'Clean up after a process of exec; its supervisor calls this'
  static override hidden = true
  static override args = {
    container: Args.string({ description: 'Full ID', required: true }),
    exec: Args.string({ description: 'Full ID of the exec', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(InternalExecEnded)
    const engine = await this.openEngine()
    await engine.containers.execEnded(args.container, args.exec)
  }
}
