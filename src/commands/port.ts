import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'
import { PortNotPublished } from '../ui/errors.ts'

export default class Port extends EngineCommand {
  static override summary = 'List port mappings or a specific mapping for the container'
  static override examples = ['<%= config.bin %> port web', '<%= config.bin %> port web 80/tcp']
  static override aliases = ['container:port']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true }),
    port: Args.string({ description: 'A port of the container: 80, 53/udp' }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Port)
    const engine = await this.openEngine()
    const wanted = args.port === undefined || args.port.includes('/') ? args.port : `${args.port}/tcp`
    const bindings = await engine.containers.ports(args.container)
    const shown = bindings.filter(({ containerPort }) => wanted === undefined || containerPort === wanted)
    if (wanted !== undefined && shown.length === 0) throw new PortNotPublished(wanted, args.container)
    for (const { containerPort, hostIp, hostPort } of shown) {
      const address = `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${hostPort}`
      this.log(wanted === undefined ? `${containerPort} -> ${address}` : address)
    }
  }
}
