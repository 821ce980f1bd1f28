/** The command of a RUN, its heredocs put in. */
import type { ExpandedRun } from '../dockerfile/expand-instruction.ts'
import { chompTabs } from '../dockerfile/heredoc.ts'
import type { CommandLine } from '../dockerfile/types.ts'

export interface RunWords {
  readonly argv: readonly string[]
  /** A program that the words name, to be mounted where they say. */
  readonly script: { readonly path: string; readonly content: string } | undefined
}

/** `RUN <<EOF` alone is a script, for the shell or for what its first line names; otherwise the shell reads the heredocs. */
export function runWords(
  { command, heredocs }: Pick<ExpandedRun, 'command' | 'heredocs'>,
  argvOf: (command: CommandLine) => readonly string[],
): RunWords {
  const [first] = heredocs
  if (command.form === 'exec' || first === undefined) return { argv: argvOf(command), script: undefined }
  if (heredocs.length === 1 && /^\d*<<-?\s*\S+$/.test(command.text.trim())) {
    const content = first.chomp ? chompTabs(first.content) : first.content
    if (!content.startsWith('#!')) return { argv: argvOf({ form: 'shell', text: content }), script: undefined }
    const path = `/dev/pipes/${first.name}`
    return { argv: [path], script: { path, content } }
  }
  const bodies = heredocs.map(({ content, name }) => `${content}${name}`)
  return { argv: argvOf({ form: 'shell', text: [command.text, ...bodies].join('\n') }), script: undefined }
}
