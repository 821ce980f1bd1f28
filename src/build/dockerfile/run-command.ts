/** What a command line runs. */
import { chompTabs, parseHeredocHead } from './heredoc.ts'
import type { CommandLine, Heredoc, RunInstruction } from './types.ts'

/** Where BuildKit puts a script with a `#!` line; programs may look at their own path. */
const SCRIPT_DIRECTORY = '/dev/pipes'

export interface RunCommand {
  readonly args: readonly string[]
  /** A file that has to be there, executable and not to be written, only while the command runs. */
  readonly script: { readonly path: string; readonly content: string } | undefined
}

/** Words to execute. @param shell - of SHELL or the image config, `/bin/sh -c` where neither says anything */
export function commandArgs(command: CommandLine, shell: readonly string[]): readonly string[] {
  return command.form === 'exec' ? command.args : [...shell, command.text]
}

/**
 * What RUN executes. A heredoc that stands alone is a script: for the interpreter in its `#!` line, or for the shell.
 * Any other is handed to the shell as it stands, which gives it to the right command.
 */
export function runCommand(
  { command, heredocs }: Pick<RunInstruction, 'command' | 'heredocs'>,
  shell: readonly string[],
): RunCommand {
  const [first] = heredocs
  if (command.form === 'exec' || first === undefined) return { args: commandArgs(command, shell), script: undefined }
  if (parseHeredocHead(command.text) === undefined)
    return { args: [...shell, withBodies(command.text, heredocs)], script: undefined }
  const content = first.chomp ? chompTabs(first.content) : first.content
  if (!content.startsWith('#!')) return { args: [...shell, content], script: undefined }
  const path = `${SCRIPT_DIRECTORY}/${first.name}`
  return { args: [...shell, path], script: { path, content } }
}

function withBodies(text: string, heredocs: readonly Heredoc[]): string {
  return [text, ...heredocs.map(({ name, content }) => `${content}${name}`)].join('\n')
}
