import { EngineCommand } from '../../base-command.ts'

export default class InternalNetworks extends EngineCommand {
  static override summary = 'Take down networks that nobody has come back to'
  static override hidden = true

  async run(): Promise<void> {
    await this.parse(InternalNetworks)
    const { takeDownRemoved } = await import('../../engine/removed-root.ts')
    if (await takeDownRemoved()) return
    const engine = await this.openEngine()
    await engine.networks.takeDownIdle()
  }
}
