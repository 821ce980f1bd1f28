import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { createFlags } from '../ui/run-flags.ts'

const LIMITS = [
  'blkio-weight',
  'cpu-period',
  'cpu-quota',
  'cpu-shares',
  'cpus',
  'cpuset-cpus',
  'cpuset-mems',
  'memory',
  'memory-reservation',
  'memory-swap',
  'network-rate',
  'pids-limit',
  'restart',
] as const

type Changeable = Pick<typeof createFlags, (typeof LIMITS)[number]>

export default class Update extends EngineCommand {
  static override summary = 'Update configuration of one or more containers'
  static override description = 'Limits change at once where a container runs. What is not named stays as it is.'
  static override examples = [
    '<%= config.bin %> update -m 512m --memory-swap 1g web',
    '<%= config.bin %> update --restart unless-stopped web worker',
    '<%= config.bin %> update --network-rate egress=10mbit,ingress=100mbit web',
  ]
  static override aliases = ['container:update']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = {
    ...(Object.fromEntries(LIMITS.map((name) => [name, createFlags[name]])) as Changeable),
    'kernel-memory': Flags.string({ hidden: true, description: 'No kernel limits it any more: ignored' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Update)
    const engine = await this.openEngine()
    const { 'kernel-memory': _ignored, ...changes } = flags
    await this.eachTarget(args.container, async (name) => {
      for (const warning of await engine.containers.update(name, changes)) this.logToStderr(`WARNING: ${warning}`)
      this.log(name)
    })
  }
}
