import { existsSync } from 'node:fs'
import { EngineCommand } from '../../base-command.ts'

export default class InternalNetworks extends EngineCommand {
  static override summary = 'Take down networks that nobody has come back to'
  static override hidden = true

  async run(): Promise<void> {
    await this.parse(InternalNetworks)
    // One that has been removed while this process waited is not made again.
    const root = process.env['CORACLE_ROOT']
    if (root !== undefined && !existsSync(root)) return
    const engine = await this.openEngine()
    await engine.networks.takeDownIdle()
  }
}
