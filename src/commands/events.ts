import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { eventDocument, eventLine } from '../ui/event-line.ts'
import { formatDocuments } from '../ui/format-rows.ts'

export default class Events extends EngineCommand {
  static override summary = 'Get real time events of containers and images'
  static override examples = [
    '<%= config.bin %> events',
    '<%= config.bin %> events --since 1h --until 0s --filter container=web',
    "<%= config.bin %> events --filter event=die --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'",
  ]
  static override aliases = ['system:events']
  static override flags = {
    filter: Flags.string({
      char: 'f',
      multiple: true,
      helpValue: 'filter',
      description: 'Filter output based on conditions provided (type, event, container, image, label: KEY=VALUE)',
    }),
    format: Flags.string({ description: "Format output: 'json' or a Go template" }),
    since: Flags.string({ description: 'Show all events created since timestamp, or since so long ago (10m)' }),
    until: Flags.string({ description: 'Stream events until this timestamp' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Events)
    const { system } = await this.openEngine()
    const { since, until, format } = flags
    const stream = system.events({ since, until, filters: flags.filter ?? [], signal: this.interruption() })
    for await (const event of stream) {
      if (format === undefined) this.log(eventLine(event))
      else for (const line of formatDocuments([eventDocument(event)], format)) this.log(line)
    }
  }
}
