import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'

export default class InternalLogDriver extends EngineCommand {
  static override summary = "Hand a container's log to the log driver of a plugin"
  static override hidden = true
  static override args = { container: Args.string({ description: 'Full ID', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(InternalLogDriver)
    const engine = await this.openEngine()
    // Whoever starts it reads one line: that it is ready, or why it never will be.
    try {
      await engine.containers.forwardLogs(args.container, () => this.log('ready'))
      await engine.close()
      process.exit() // whatever the driver has left open
    } catch (error) {
      this.log(error instanceof Error ? error.message : String(error))
      throw error
    }
  }
}
