/** The words of a plugin's command, read by the grammar of our own ones. */
import { assignArguments, type FlagShape, parseCommandLine } from './command-line.ts'
import { UsageError } from './errors.ts'
import { commandHelp, type HelpCommand, type HelpFlag, usageLine } from './help.ts'

export interface PluginCommand extends HelpCommand {
  readonly flags: Readonly<Record<string, HelpFlag & FlagShape>>
}

export type PluginWords =
  | { readonly help: string }
  | {
      readonly args: ReturnType<typeof assignArguments>
      readonly flags: ReturnType<typeof parseCommandLine>['flags']
    }

/** @throws {UsageError} in docker's words, with the command's usage */
export function readPluginWords(command: PluginCommand, words: readonly string[]): PluginWords {
  try {
    const line = parseCommandLine(words, { flags: command.flags, stopAtFirstArgument: false })
    if (line.helpWanted) return { help: commandHelp(command) }
    const args = assignArguments(line.positional, command.args ?? {}, { command: command.id, strict: true })
    return { args, flags: line.flags }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const more = `Run 'coracle ${command.id} --help' for more information`
    throw new UsageError(`${error.message}\n\n${usageLine(command)}\n\n${more}`, error.exitCode)
  }
}
