import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { formatDocuments } from '../ui/format-rows.ts'
import { shellLine } from '../ui/text.ts'

export default class Inspect extends EngineCommand {
  static override summary = 'Return low-level information on containers, images and volumes'
  static override examples = [
    '<%= config.bin %> inspect web',
    "<%= config.bin %> inspect --format '{{.State.Status}} {{.HostConfig.Memory}}' web",
    '<%= config.bin %> inspect --as-command web',
  ]
  static override args = { name: Args.string({ description: 'Name or ID', required: true, multiple: true }) }
  static override flags = {
    'as-command': Flags.boolean({ description: 'Print the command that would make this container again' }),
    format: Flags.string({ char: 'f', description: "Format output using a custom template: 'json' or a Go template" }),
    size: Flags.boolean({ char: 's', description: 'Display total file sizes if the type is container' }),
    type: Flags.string({ description: 'Return JSON for specified type (container, image, volume)' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Inspect)
    const engine = await this.openEngine()
    if (flags['as-command']) {
      await this.eachTarget(args.name, async (name) => {
        this.log(shellLine(['coracle', ...(await engine.containers.asCommand(name))]))
      })
      return
    }
    const { inspectObject } = await import('../engine/inspect.ts')
    const documents: object[] = []
    try {
      await this.eachTarget(args.name, async (name) => {
        documents.push(await inspectObject(engine, name, { type: flags.type, size: flags.size ?? false }))
      })
    } finally {
      for (const line of formatDocuments(documents, flags.format)) this.log(line)
    }
  }
}
