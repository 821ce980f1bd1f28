import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'

export default class Logs extends EngineCommand {
  static override summary = 'Fetch the logs of one or more containers'
  static override description = 'Several containers are merged by time, each line with the name in front of it.'
  static override examples = [
    '<%= config.bin %> logs web',
    '<%= config.bin %> logs -f --tail 100 web worker',
    '<%= config.bin %> logs -t --since 10m web',
    '<%= config.bin %> logs --clear web',
    '<%= config.bin %> logs --net web',
  ]
  static override aliases = ['container:logs']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = {
    clear: Flags.boolean({ description: 'Empty the log instead of showing it' }),
    details: Flags.boolean({ description: 'Show extra details provided to logs' }),
    follow: Flags.boolean({ char: 'f', description: 'Follow log output' }),
    net: Flags.boolean({
      description: 'Show what --allow-net and --deny-net have refused instead of what was printed',
      exclusive: ['clear', 'details', 'follow', 'since', 'tail', 'until'],
    }),
    since: Flags.string({
      description: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    }),
    tail: Flags.string({ char: 'n', description: 'Number of lines to show from the end of the logs (default: all)' }),
    timestamps: Flags.boolean({ char: 't', description: 'Show timestamps' }),
    until: Flags.string({
      description: 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Logs)
    const { containers } = await this.openEngine()
    if (flags.clear) return this.eachTarget(args.container, (name) => containers.clearLogs(name))
    if (flags.net) {
      const { triedLine } = await import('../ui/tried-line.ts')
      return this.eachTarget(args.container, async (name) => {
        for (const tried of await containers.tried(name)) this.log(triedLine(tried))
      })
    }
    const { openLogPrinter } = await import('../ui/log-printer.ts')
    const { stdout, stderr } = process
    const print = openLogPrinter({
      stdout,
      stderr,
      several: args.container.length > 1,
      timestamps: flags.timestamps ?? false,
      details: flags.details ?? false,
    })
    const { follow = false, tail, since, until } = flags
    const signal = follow ? this.interruption() : undefined
    for await (const entry of containers.logs(args.container, {
      follow,
      tail,
      since,
      until,
      ...(signal && { signal }),
    }))
      await print(entry)
  }
}
