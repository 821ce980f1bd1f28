import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { formatDocuments } from '../../ui/format-rows.ts'

export default class NetworkInspect extends EngineCommand {
  static override summary = 'Display detailed information on one or more networks'
  static override examples = [
    '<%= config.bin %> network inspect bridge',
    "<%= config.bin %> network inspect --format '{{range .IPAM.Config}}{{.Subnet}}{{end}}' web",
  ]
  static override args = { network: Args.string({ description: 'Name or ID', required: true, multiple: true }) }
  static override flags = {
    format: Flags.string({ char: 'f', description: "Format output using a custom template: 'json' or a Go template" }),
    verbose: Flags.boolean({ char: 'v', description: 'Verbose output for diagnostics (changes nothing here)' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkInspect)
    const { networks } = await this.openEngine()
    const documents: unknown[] = []
    try {
      await this.eachTarget(args.network, async (name) => {
        documents.push(await networks.inspect(name))
      })
    } finally {
      for (const line of formatDocuments(documents, flags.format)) this.log(line)
    }
  }
}
