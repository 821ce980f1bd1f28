/** Which command the first words name. */

/** By their ids: `image:ls`. */
export type CommandTable = Readonly<Record<string, { readonly aliases?: readonly string[] | undefined }>>

export interface FoundCommand {
  readonly id: string
  /** How many words name it. */
  readonly length: number
  /** The name it was called by. */
  readonly typed: string
}

const MAX_WORDS = 3

/** The longest run of first words that is a command or another name of one. */
export function findCommand(commands: CommandTable, words: readonly string[]): FoundCommand | undefined {
  const flag = words.findIndex((word) => word.startsWith('-') || word.includes(':'))
  const names = flag === -1 ? words : words.slice(0, flag)
  for (let length = Math.min(names.length, MAX_WORDS); length > 0; length--) {
    const typed = names.slice(0, length).join(':')
    if (Object.hasOwn(commands, typed)) return { id: typed, length, typed }
    const alias = Object.entries(commands).find(([, { aliases = [] }]) => aliases.includes(typed))
    if (alias !== undefined) return { id: alias[0], length, typed }
  }
  return undefined
}
