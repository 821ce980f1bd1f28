/** Help in docker's layout, from what commands declare (their class or its entry in the manifest). */

export interface HelpFlag {
  readonly type: 'boolean' | 'option'
  readonly char?: string | undefined
  readonly description?: string | undefined
  readonly summary?: string | undefined
  readonly hidden?: boolean | undefined
  readonly multiple?: boolean | undefined
  readonly helpValue?: string | string[] | undefined
}

export interface HelpArgument {
  readonly description?: string | undefined
  readonly required?: boolean | undefined
  readonly multiple?: boolean | undefined
}

/** What both an oclif command class and a manifest entry have. */
export interface HelpCommand {
  readonly id: string
  readonly summary?: string | undefined
  readonly description?: string | undefined
  readonly usage?: string | string[] | undefined
  readonly aliases?: readonly string[] | undefined
  readonly examples?: readonly unknown[] | undefined
  readonly hidden?: boolean | undefined
  readonly strict?: boolean | undefined
  readonly flags?: Readonly<Record<string, HelpFlag>> | undefined
  readonly args?: Readonly<Record<string, HelpArgument>> | undefined
}

/** `Usage:  coracle tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]` */
export function usageLine(command: HelpCommand): string {
  const usage = [command.usage ?? []].flat()[0]
  const words = usage ?? ['[OPTIONS]', ...argumentWords(command)].join(' ')
  return `Usage:  coracle ${command.id.replaceAll(':', ' ')} ${words}`.trimEnd()
}

function argumentWords({ args = {}, strict }: HelpCommand): string[] {
  const words = Object.entries(args).map(([name, { required, multiple }]) => {
    const word = name.toUpperCase()
    if (multiple === true) return required === true ? `${word} [${word}...]` : `[${word}...]`
    return required === true ? word : `[${word}]`
  })
  return strict === false ? [...words, '[ARG...]'] : words
}

export function commandHelp(command: HelpCommand): string {
  const names = [command.id, ...(command.aliases ?? [])].map((id) => `coracle ${id.replaceAll(':', ' ')}`)
  const sections = [
    usageLine(command),
    command.summary ?? '',
    command.description ?? '',
    section('Aliases', names.length > 1 ? [`  ${[...new Set(names)].join(', ')}`] : []),
    section('Options', flagLines(command.flags ?? {})),
    section(
      'Examples',
      (command.examples ?? []).map((example) => `  $ ${exampleText(example)}`),
    ),
  ]
  return sections.filter((text) => text !== '').join('\n\n')
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}:\n${lines.join('\n')}`
}

function exampleText(example: unknown): string {
  const text = typeof example === 'string' ? example : String((example as { command?: unknown }).command ?? '')
  return text.replace(/<%=\s*config\.bin\s*%>/g, 'coracle')
}

function flagLines(flags: Readonly<Record<string, HelpFlag>>): string[] {
  const rows = Object.entries(flags)
    .filter(([, { hidden }]) => hidden !== true)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, flag]) => {
      const value =
        flag.type === 'boolean' ? '' : ` ${[flag.helpValue ?? (flag.multiple ? 'list' : 'string')].flat()[0]}`
      const short = flag.char === undefined ? '    ' : `-${flag.char}, `
      return [`${short}--${name}${value}`, flag.summary ?? flag.description ?? ''] as const
    })
  return definitionLines(rows)
}

/** Two columns; further lines of a text stand under its first one. */
function definitionLines(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([term]) => term.length))
  return rows.map(([term, text]) =>
    `  ${term.padEnd(width)}   ${text.replaceAll('\n', `\n${' '.repeat(width + 5)}`)}`.trimEnd(),
  )
}

/** `coracle --help` */
export function rootHelp(commands: readonly HelpCommand[], topics: Readonly<Record<string, string>>): string {
  const common = ['run', 'exec', 'ps', 'build', 'pull', 'push', 'images', 'login', 'logout', 'version']
  const shown = commands.filter(({ id, hidden }) => hidden !== true && !id.includes(':'))
  const line = ({ id, summary = '' }: HelpCommand) => [id, summary] as const
  const first = common.flatMap((id) => shown.filter((command) => command.id === id))
  const rest = shown
    .filter(({ id }) => !common.includes(id) && !Object.hasOwn(topics, id))
    .sort((left, right) => (left.id < right.id ? -1 : 1))
  return [
    'Usage:  coracle [OPTIONS] COMMAND',
    'A daemonless toolkit for native containers and WebAssembly modules',
    section('Common Commands', definitionLines(first.map(line))),
    section('Management Commands', definitionLines(Object.entries(topics))),
    section('Commands', definitionLines(rest.map(line))),
    section(
      'Global Options',
      definitionLines([
        ['-D, --debug', 'Show where errors come from (as CORACLE_DEBUG=1 does)'],
        ['    --help', 'Show help'],
        ['-v, --version', 'Print version information and quit'],
      ]),
    ),
    "Run 'coracle COMMAND --help' for more information on a command.",
  ]
    .filter((text) => text !== '')
    .join('\n\n')
}

/** `coracle image --help` */
export function topicHelp(topic: string, description: string, commands: readonly HelpCommand[]): string {
  const rows = commands
    .filter(({ hidden }) => hidden !== true)
    .flatMap(({ id, aliases = [], summary = '' }) => {
      const name = [id, ...aliases].find((each) => each.startsWith(`${topic}:`))
      return name === undefined ? [] : [[name.slice(topic.length + 1).replaceAll(':', ' '), summary] as const]
    })
    .sort(([left], [right]) => (left < right ? -1 : 1))
  return [
    `Usage:  coracle ${topic} COMMAND`,
    description,
    section('Commands', definitionLines(rows)),
    `Run 'coracle ${topic} COMMAND --help' for more information on a command.`,
  ].join('\n\n')
}
