/** Commands of npm plugins: found in the index, loaded when they are run. */
import { existsSync } from 'node:fs'
import type { Config } from '@oclif/core/config'
import { CoracleError } from '../../errors.ts'
import { npmIndexPath, type Paths } from '../../paths.ts'
import { PluginBroken } from '../errors.ts'
import { asItIs, checkPlugin, hasChanged, oneLine } from './describe.ts'
import { PluginFailed, PluginsClash } from './errors.ts'
import { type IndexedCommand, type IndexedPlugin, readIndex } from './index-file.ts'

export interface FoundCommand {
  readonly plugin: IndexedPlugin
  readonly id: string
  /** How many words name it. */
  readonly length: number
}

const MAX_WORDS = 3

/** The longest run of first words that is a command of a plugin. */
export function findCommand(plugins: readonly IndexedPlugin[], words: readonly string[]): FoundCommand | undefined {
  for (let length = Math.min(words.length, MAX_WORDS); length > 0; length--) {
    const typed = words.slice(0, length).join(':')
    for (const plugin of plugins) {
      const command = plugin.commands.find(({ id, aliases }) => id === typed || aliases.includes(typed))
      if (command !== undefined) return { plugin, id: command.id, length }
    }
  }
  return undefined
}

/** What npm plugins there are; linked ones as they are now. */
export function readPlugins(paths: Paths): readonly IndexedPlugin[] {
  return existsSync(npmIndexPath(paths)) ? readIndex(paths).plugins.map(asItIs) : []
}

/** Those of which something may not be known yet. */
export function changedLinks(plugins: readonly IndexedPlugin[]): readonly IndexedPlugin[] {
  return plugins.filter((plugin) => existsSync(plugin.root) && hasChanged(plugin))
}

export function allCommands(plugins: readonly IndexedPlugin[]): readonly IndexedCommand[] {
  return plugins.flatMap(({ commands }) => commands)
}

/** What a command of oclif's declares, for help. */
export interface LoadedCommand {
  readonly config: Config
  readonly declared: NonNullable<ReturnType<Config['findCommand']>>
}

/** Loads the plugin, and no other one. @throws {ContractMismatch} @throws {PluginBroken} */
export async function loadCommand(
  { plugin, id }: Omit<FoundCommand, 'length'>,
  version: string,
): Promise<LoadedCommand> {
  checkPlugin(plugin)
  const { name, root } = plugin
  if (!existsSync(root)) throw new PluginBroken(name, `${root} is not there any more`)
  try {
    const { Config } = await import('@oclif/core/config')
    quieten()
    const config = await Config.load({ root, userPlugins: false, devPlugins: false })
    const declared = config.findCommand(id)
    if (declared === undefined) await config.plugins.get(config.name)?.findCommand(id, { must: true }) // throws the reason
    if (declared === undefined) throw new PluginBroken(name, `it has no command ${id.replaceAll(':', ' ')} any more`)
    Object.assign(config, { bin: 'coracle', topicSeparator: ' ', userAgent: `coracle/${version}` })
    return { config, declared }
  } catch (error) {
    throw error instanceof CoracleError ? error : new PluginBroken(name, oneLine(String(error)), { cause: error })
  }
}

/** oclif tells of all that it stumbles over as Node's warnings, each in several lines. */
export function quieten(): void {
  if (process.env['CORACLE_DEBUG'] !== '1') process.removeAllListeners('warning')
}

/**
 * Runs it with its own plugin's hooks. What it throws to leave with a status (oclif's `this.exit`) is that status.
 *
 * @throws {PluginBroken} its module cannot be loaded @throws {PluginFailed} it failed
 */
export async function runCommand({ config, declared }: LoadedCommand, argv: readonly string[]): Promise<number> {
  const name = declared.pluginName ?? config.name
  try {
    await declared.load()
  } catch (error) {
    throw new PluginBroken(name, oneLine(String(error)), { cause: error })
  }
  try {
    await config.runCommand(declared.id, [...argv], declared)
    return Number(process.exitCode ?? 0)
  } catch (error) {
    const {
      oclif,
      code,
      message = String(error),
    } = (error ?? {}) as {
      oclif?: { exit?: unknown }
      code?: unknown
      message?: unknown
    }
    const status = typeof oclif?.exit === 'number' ? oclif.exit : 1
    if (code === 'EEXIT') return status
    throw new CommandFailed(declared.id.replaceAll(':', ' '), String(message), { cause: error, status })
  }
}

/** Told in the command's own words, several lines where it has them. */
class CommandFailed extends PluginFailed {
  override readonly exitCode: number
  constructor(
    command: string,
    message: string,
    { cause, status }: { readonly cause: unknown; readonly status: number },
  ) {
    super(command, message, { cause })
    this.exitCode = status
  }
}

/** Before a single file becomes the command `name`. @throws {PluginsClash} an npm plugin brings one, or a group of them */
export function refuseClash(paths: Paths, name: string): void {
  const words = ({ id, aliases }: IndexedCommand) => [id, ...aliases].map((each) => each.split(':')[0])
  const other = readPlugins(paths).find(({ commands }) => commands.some((each) => words(each).includes(name)))
  if (other !== undefined) throw new PluginsClash(name, other.name, `a command '${name}'`)
}
