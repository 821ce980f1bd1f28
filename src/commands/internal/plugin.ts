import * as Args from '@oclif/core/args'
import { EngineCommand } from '../../base-command.ts'
import { type PluginCommand, readPluginWords } from '../../ui/plugin-command.ts'

/** What runs when the first word is the name of a plugin. Its words are read by what it declared, not by what stands here. */
export default class InternalPlugin extends EngineCommand {
  static override hidden = true
  static override summary = 'Run a single-file command'
  static override strict = false
  static override args = { name: Args.string({ description: 'Name of the plugin', required: true }) }

  async run(): Promise<void> {
    const [name = '', ...words] = this.argv
    if (name === '' || name.startsWith('-')) return void (await this.parse(InternalPlugin))
    this.parsed = true
    const { openPlugins } = await import('../../engine/plugins.ts')
    const plugins = openPlugins()
    const plugin = plugins.read(name)
    const command: PluginCommand = { ...plugin.declaration, id: name }
    const typed = readPluginWords(command, words)
    if ('help' in typed) return this.log(typed.help)
    process.exitCode = await plugins.run(plugin, { ...typed, words }, () => this.openEngine())
  }
}
