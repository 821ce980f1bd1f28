/** What could stand where the cursor is, from what commands declare. Names of what there is, others look up. */
import { type CommandTable, findCommand } from './find-command.ts'
import type { HelpCommand, HelpFlag } from './help.ts'

export interface CompletedFlag extends HelpFlag {
  readonly options?: readonly string[] | undefined
}

/** An entry of the manifest, or what a plugin declares. */
export interface CompletedCommand extends HelpCommand {
  readonly flags?: Readonly<Record<string, CompletedFlag>> | undefined
  readonly stopAtFirstArgument?: boolean
}

export interface Candidate {
  readonly word: string
  readonly description: string
}

export type NameKind = 'container' | 'image' | 'network' | 'plugin' | 'volume'

export interface Completion {
  readonly candidates: readonly Candidate[]
  /** These names as well, or files. */
  readonly wanted?: NameKind | 'file' | undefined
  /** What of the current word stands before them: `--network=`. */
  readonly prefix: string
}

export interface Surface {
  readonly commands: Readonly<Record<string, CompletedCommand>>
  readonly topics: Readonly<Record<string, string>>
}

/** @param words - behind `coracle`; the last one is where the cursor is, and may be empty */
export function complete(words: readonly string[], surface: Surface): Completion {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const start = before.findIndex((word) => !/^(?:-D|--debug)$/.test(word))
  const typed = start === -1 ? [] : before.slice(start)
  const names = typed[0] === 'help' ? typed.slice(1) : typed
  const found = findCommand(surface.commands as CommandTable, names)
  const command = found === undefined ? undefined : surface.commands[found.id]
  const below = names.length === (found?.length ?? names.length) ? nextWords(names, surface) : []
  if (found === undefined || command === undefined || typed !== names)
    return matching(current, { candidates: below, prefix: '' })
  const own = ofCommand(command, names.slice(found.length), current)
  return matching(current, { ...own, candidates: [...below, ...own.candidates] })
}

function matching(current: string, { candidates, prefix, wanted }: Completion): Completion {
  const left = candidates.filter(({ word }) => word.startsWith(current.slice(prefix.length)))
  return { candidates: left.sort((one, other) => (one.word < other.word ? -1 : 1)), prefix, wanted }
}

/** What the words so far can go on with: `image` with `ls`. */
function nextWords(typed: readonly string[], { commands, topics }: Surface): Candidate[] {
  const found = new Map<string, string>()
  for (const [id, { aliases = [], summary = '', hidden }] of Object.entries(commands)) {
    if (hidden === true) continue
    for (const name of [id, ...aliases]) {
      const parts = name.split(':')
      const next = parts[typed.length]
      if (next === undefined || !typed.every((word, index) => word === parts[index])) continue
      const whole = parts.length === typed.length + 1
      if (whole || !found.has(next)) found.set(next, whole ? summary : (topics[next] ?? ''))
    }
  }
  if (typed.length === 0) found.set('help', 'Show help')
  return [...found].map(([word, description]) => ({ word, description }))
}

function ofCommand(command: CompletedCommand, typed: readonly string[], current: string): Completion {
  const flags = Object.entries(command.flags ?? {}).filter(([, { hidden }]) => hidden !== true)
  const { pending, positional, ended } = readTyped(command, typed)
  if (pending !== undefined) return ofValue(pending[0], pending[1], '')
  const equals = current.indexOf('=')
  if (!ended && current.startsWith('--') && equals !== -1) {
    const flag = flags.find(([name]) => name === current.slice(2, equals))
    return flag === undefined ? NOTHING : ofValue(...flag, current.slice(0, equals + 1))
  }
  if (!ended && current.startsWith('-')) {
    const all = flags.map(([name, { description = '' }]) => ({ word: `--${name}`, description }))
    return { candidates: [...all, { word: '--help', description: 'Show help' }], prefix: '' }
  }
  return { candidates: [], prefix: '', wanted: argumentKind(command, positional) }
}

const NOTHING: Completion = { candidates: [], prefix: '' }

interface Typed {
  /** A flag whose value comes next. */
  readonly pending: [string, CompletedFlag] | undefined
  /** How many arguments there are. */
  readonly positional: number
  /** What follows can be no flag. */
  readonly ended: boolean
}

function readTyped({ flags = {}, stopAtFirstArgument = false }: CompletedCommand, words: readonly string[]): Typed {
  const entries = Object.entries(flags)
  let pending: Typed['pending']
  let positional = 0
  let ended = false
  for (const word of words) {
    if (pending !== undefined) pending = undefined
    else if (!ended && word === '--') ended = true
    else if (ended || !word.startsWith('-') || word === '-') {
      positional++
      ended ||= stopAtFirstArgument
    } else pending = openFlag(word, entries)
  }
  return { pending, positional, ended }
}

/** `--name`, `-n` and `-itn` wait for a value; `--name=x` and `-nx` have it. */
function openFlag(word: string, flags: readonly [string, CompletedFlag][]): [string, CompletedFlag] | undefined {
  if (word.startsWith('--')) return flags.find(([name, { type }]) => type === 'option' && `--${name}` === word)
  for (const [index, letter] of [...word].slice(1).entries()) {
    const flag = flags.find(([, { char }]) => char === letter)
    if (flag?.[1].type === 'option') return index === word.length - 2 ? flag : undefined
  }
  return undefined
}

const FLAG_KINDS: Readonly<Record<string, Completion['wanted']>> = {
  image: 'image',
  link: 'container',
  network: 'network',
  volume: 'volume',
  'volumes-from': 'container',
}

/** The values that are named: as such, or in the description (`Pull image before running (always|missing|never)`). */
function ofValue(name: string, { options, description = '' }: CompletedFlag, prefix: string): Completion {
  const listed = /\(([\w-]+(?:\|[\w-]+)+)[|)]/.exec(description)?.[1]?.split('|') ?? []
  const candidates = (options ?? listed).map((word) => ({ word, description: '' }))
  return { candidates, prefix, wanted: FLAG_KINDS[name] ?? (candidates.length === 0 ? 'file' : undefined) }
}

const ARGUMENT_KINDS: Readonly<Record<string, Completion['wanted']>> = {
  container: 'container',
  image: 'image',
  from: 'image',
  to: 'image',
  network: 'network',
  plugin: 'plugin',
  volume: 'volume',
  'images.repository': 'image',
  'inspect.name': 'container',
  'push.name': 'image',
  'tag.source': 'image',
  'rename.name': undefined,
  'login.server': undefined,
}

function argumentKind(
  { id, args = {}, stopAtFirstArgument }: CompletedCommand,
  position: number,
): Completion['wanted'] {
  const entries = Object.entries(args)
  const last = entries.at(-1)
  const [name] = entries[position] ?? (last?.[1].multiple === true ? last : [])
  if (name === undefined) return entries.length > 0 && stopAtFirstArgument === true ? 'file' : undefined
  const special = `${id}.${name}`
  if (Object.hasOwn(ARGUMENT_KINDS, special)) return ARGUMENT_KINDS[special]
  return Object.hasOwn(ARGUMENT_KINDS, name) ? ARGUMENT_KINDS[name] : 'file'
}
