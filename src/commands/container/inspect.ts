import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { formatDocuments } from '../../ui/format-rows.ts'

export default class ContainerInspect extends EngineCommand {
  static override summary = 'Display detailed information on one or more containers'
  static override examples = ["<%= config.bin %> container inspect --format '{{json .Mounts}}' web"]
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = {
    format: Flags.string({ char: 'f', description: "Format output using a custom template: 'json' or a Go template" }),
    size: Flags.boolean({ char: 's', description: 'Display total file sizes' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ContainerInspect)
    const { containers } = await this.openEngine()
    const documents: unknown[] = []
    try {
      await this.eachTarget(args.container, async (name) => {
        documents.push(await containers.inspect(name, { size: flags.size ?? false }))
      })
    } finally {
      for (const line of formatDocuments(documents, flags.format)) this.log(line)
    }
  }
}
