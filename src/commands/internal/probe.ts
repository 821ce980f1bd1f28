import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'

/** What the supervisor's timer understands (native/probe.h). */
const STATUS = { usual: 0, soon: 10, never: 11 } as const

export default class InternalProbe extends EngineCommand {
  static override summary = 'Test the health of a container; its supervisor calls this'
  static override hidden = true
  static override args = { container: Args.string({ description: 'Full ID', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(InternalProbe)
    const engine = await this.openEngine()
    process.exitCode = STATUS[await engine.containers.probe(args.container)]
  }
}
