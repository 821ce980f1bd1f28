/** Commands of npm plugins, for the entry of the command line. Loaded only when nothing of our own has the name. */
import { readPackageVersion } from '../package-root.ts'
import type { Paths } from '../paths.ts'
import {
  allCommands,
  changedLinks,
  type FoundCommand,
  findCommand,
  loadCommand,
  readPlugins,
  runCommand,
} from '../plugins/npm/commands.ts'
import { type HookEvent, runHooks } from '../plugins/npm/hooks.ts'
import type { IndexedCommand } from '../plugins/npm/index-file.ts'
import { relinkPackage } from '../plugins/npm/install.ts'
import { commandHelp, type HelpCommand } from '../ui/help.ts'
import { alone } from './plugin-lock.ts'
import { reservedNames } from './reserved-names.ts'

export type { HookEvent }

export interface NpmCommands {
  readonly commands: readonly IndexedCommand[]
  /** Groups of commands, and what they are about. */
  readonly topics: Readonly<Record<string, string>>
  /** What is wrong with plugins, a line each. */
  readonly faults: readonly string[]
  find(words: readonly string[]): FoundCommand | undefined
}

export async function openNpmCommands(paths: Paths): Promise<NpmCommands> {
  const changed = changedLinks(readPlugins(paths))
  if (changed.length > 0) {
    await alone(paths, 'npm-plugins', async () => {
      for (const plugin of changed) await relinkPackage(paths, plugin, { reserved: reservedNames() })
    })
  }
  const plugins = readPlugins(paths)
  const described = Object.assign({}, ...plugins.map(({ topics }) => topics)) as Readonly<Record<string, string>>
  const commands = allCommands(plugins)
  const topics = commands.filter(({ id }) => id.includes(':')).map(({ id }) => id.split(':')[0] ?? id)
  return {
    commands,
    topics: Object.fromEntries(topics.map((topic) => [topic, described[topic] ?? ''])),
    faults: plugins.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`)),
    find: (words) => findCommand(plugins, words),
  }
}

/**
 * @param argv - without the command's name
 * @returns help when that was asked for, else the exit status
 */
export async function runNpmCommand(found: FoundCommand, argv: readonly string[]): Promise<string | number> {
  const loaded = await loadCommand(found, readPackageVersion())
  const end = argv.indexOf('--')
  const words = end === -1 ? argv : argv.slice(0, end)
  if (words.includes('--help') || words[0] === '-h') return commandHelp(loaded.declared as HelpCommand)
  return runCommand(loaded, argv)
}

/** For a command of our own. @returns what went wrong, a line each */
export function runNpmHooks(paths: Paths, event: HookEvent, words: object): Promise<readonly string[]> {
  return runHooks(paths, event, words)
}
