import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'
import { complete } from '../../ui/complete.ts'
import { FILES } from '../../ui/completion-scripts.ts'
import { TOPICS } from '../../ui/topics.ts'

/** What shells ask at each press of the key: a line for each candidate, with a tab before what it means. */
export default class InternalComplete extends EngineCommand {
  static override hidden = true
  static override summary = 'Complete the last one of the words'
  static override strict = false
  static override args = { word: Args.string({ description: 'What was typed so far', multiple: true }) }

  async run(): Promise<void> {
    const words = (await this.parse(InternalComplete)).argv as string[]
    const { completableCommands, namesOf } = await import('../../engine/completion.ts')
    const { candidates, wanted, prefix } = complete(words, { commands: completableCommands(), topics: TOPICS })
    for (const { word, description } of candidates) this.log(`${prefix}${word}\t${description.split('\n')[0]}`)
    if (wanted === undefined || wanted === 'file') return wanted === 'file' ? this.log(FILES) : undefined
    const typed = (words.at(-1) ?? '').slice(prefix.length)
    const names = await namesOf(wanted, () => this.openEngine())
    for (const name of names.filter((each) => each.startsWith(typed))) this.log(`${prefix}${name}`)
  }
}
