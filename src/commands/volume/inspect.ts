import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'
import { formatDocuments } from '../../ui/format-rows.ts'

export default class VolumeInspect extends EngineCommand {
  static override summary = 'Display detailed information on one or more volumes'
  static override examples = ["<%= config.bin %> volume inspect --format '{{.Mountpoint}}' data"]
  static override args = { volume: Args.string({ description: 'Name', required: true, multiple: true }) }
  static override flags = {
    format: Flags.string({ char: 'f', description: "Format output using a custom template: 'json' or a Go template" }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VolumeInspect)
    const { volumes } = await this.openEngine()
    const documents: unknown[] = []
    try {
      await this.eachTarget(args.volume, async (name) => void documents.push(await volumes.inspect(name)))
    } finally {
      for (const line of formatDocuments(documents, flags.format)) this.log(line)
    }
  }
}
