/**
 * Finds the command that the words name and runs it. Our own commands are looked up in oclif's manifest and loaded
 * directly: oclif's discovery of plugins, hooks and themes takes longer than most commands (docs/decisions). Whatever the
 * manifest does not know goes to oclif.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Config } from '@oclif/core/config'
import { isLoneCommand, loadCommand } from './load-command.ts'
import { packageRoot, readPackageVersion } from './package-root.ts'
import { pluginDirectory, pluginsDirectory, readPaths, statePath } from './paths.ts'
import { closest } from './ui/closest.ts'
import { UnknownCommand, UsageError } from './ui/errors.ts'
import { type HelpCommand, rootHelp, topicHelp } from './ui/help.ts'
import { reportError } from './ui/report-error.ts'
import { writeLine } from './ui/text.ts'
import { adoptInherited } from './util/inherited.ts'

interface Manifest {
  readonly commands: Readonly<Record<string, HelpCommand>>
}

/** Management commands: what groups of commands are about. */
const TOPICS: Readonly<Record<string, string>> = {
  container: 'Manage containers',
  image: 'Manage images',
  wasm: 'Make WebAssembly images',
}

/** Never fails: errors are printed, and `process.exitCode` set. */
export async function runCli(argv: readonly string[]): Promise<void> {
  adoptInherited()
  // A supervisor calls back into a data root that has been removed: nothing is left to record, and nothing to be made again.
  const [topic, , id = ''] = argv
  if (topic === 'internal' && /^[0-9a-f]{64}$/.test(id) && !existsSync(statePath(readPaths()))) return
  // Whoever reads what we print may go away before we do (`| head`).
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  try {
    await dispatch(takeGlobalFlags(argv))
  } catch (error) {
    process.exitCode = reportError(error, process.stderr)
  }
}

/** The flags before the command. What is left starts with the command's name, or is a request for help or version. */
function takeGlobalFlags(argv: readonly string[]): readonly string[] {
  let rest = argv
  for (; rest[0] === '--debug' || rest[0] === '-D'; rest = rest.slice(1)) process.env['CORACLE_DEBUG'] = '1'
  const flag = rest[0]
  if (flag === '--version' || flag === '-v') return ['version', '--short']
  if (flag === undefined || flag === '--help' || flag === '-h') return ['help']
  if (!flag.startsWith('-')) return rest
  const usage = "Usage:  coracle [OPTIONS] COMMAND [ARG...]\n\nRun 'coracle --help' for more information"
  throw new UsageError(`unknown ${flag.startsWith('--') ? '' : 'shorthand '}flag: ${flag}\n\n${usage}`)
}

async function dispatch(words: readonly string[]): Promise<void> {
  const [topic = ''] = words
  if (isLoneCommand(topic)) return runCommand({ id: topic, length: 1, typed: topic }, words.slice(1)) // no manifest to read
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'oclif.manifest.json'), 'utf8')) as Manifest
  if (words[0] === 'help') return help(manifest, words.slice(1))
  const found = findCommand(manifest, words)
  if (found !== undefined) return runCommand(found, words.slice(found.length))
  const helpWanted = words.length === 1 || words[1] === '--help' || words[1] === '-h'
  if (topic in TOPICS && helpWanted) return help(manifest, [topic])
  return runPlugin(manifest, words)
}

interface Found {
  readonly id: string
  /** How many words name it. */
  readonly length: number
  /** The name it was called by. */
  readonly typed: string
}

/** The longest run of first words that is a command or another name of one. */
function findCommand({ commands }: Manifest, words: readonly string[]): Found | undefined {
  const flag = words.findIndex((word) => word.startsWith('-') || word.includes(':'))
  const names = flag === -1 ? words : words.slice(0, flag)
  for (let length = Math.min(names.length, 3); length > 0; length--) {
    const typed = names.slice(0, length).join(':')
    if (Object.hasOwn(commands, typed)) return { id: typed, length, typed }
    const alias = Object.entries(commands).find(([, { aliases = [] }]) => aliases.includes(typed))
    if (alias !== undefined) return { id: alias[0], length, typed }
  }
  return undefined
}

async function runCommand({ id, typed }: Found, argv: readonly string[]): Promise<void> {
  const Class = await loadCommand(id)
  const config = Object.assign(new Config({ root: packageRoot }), {
    bin: 'coracle',
    name: 'coracle',
    version: readPackageVersion(),
  })
  Class.id = typed
  await new Class([...argv], config)._run()
}

/** Commands of single files, which have a directory each, and of installed oclif plugins; oclif finds and runs those. */
async function runPlugin(manifest: Manifest, words: readonly string[]): Promise<void> {
  if (isSingleFileCommand(words[0])) return runCommand(SINGLE_FILE, words)
  const config = existsSync(join(oclifDirectory(), 'package.json')) ? await Config.load(packageRoot) : undefined
  const id = [3, 2, 1].map((length) => words.slice(0, length).join(':')).find((each) => config?.findCommand(each))
  if (config !== undefined && id !== undefined) {
    await config.runCommand(id, words.slice(id.split(':').length))
    return
  }
  const own = Object.entries(manifest.commands).flatMap(([name, { aliases = [] }]) => [name, ...aliases])
  const known = [...own, ...(await singleFileCommands()).map(({ id }) => id)]
  const typed = words.slice(0, (words[0] ?? '') in TOPICS ? 2 : 1).join(' ')
  throw new UnknownCommand(
    typed,
    closest(
      typed,
      known.map((name) => name.replaceAll(':', ' ')),
    ),
  )
}

const SINGLE_FILE: Found = { id: 'internal:plugin', length: 0, typed: 'internal:plugin' }

/** Asked only when nothing of our own has the name: whoever has no plugins never pays for them. */
function isSingleFileCommand(name = ''): boolean {
  return /^[a-z][a-z0-9-]*$/.test(name) && existsSync(pluginDirectory(readPaths(), name))
}

/** What they declare, for help; broken ones are told of and left out. */
async function singleFileCommands(): Promise<readonly HelpCommand[]> {
  if (!existsSync(pluginsDirectory(readPaths()))) return []
  const { openPlugins } = await import('./engine/plugins.ts')
  const { plugins, broken } = openPlugins().list()
  for (const { message } of broken) writeLine(process.stderr, `WARNING: ${message}`)
  return plugins.map(({ name, declaration }) => ({ ...declaration, id: name }))
}

/** Where oclif keeps the plugins of this user. */
function oclifDirectory(): string {
  const data = process.env['XDG_DATA_HOME'] ?? join(process.env['HOME'] ?? '/', '.local/share')
  return process.env['CORACLE_DATA_DIR'] ?? join(data, 'coracle')
}

async function help(manifest: Manifest, words: readonly string[]): Promise<void> {
  const commands = Object.values(manifest.commands)
  const [topic = ''] = words
  const found = findCommand(manifest, words)
  if (found !== undefined) return runCommand(found, ['--help'])
  if (words.length === 0)
    return writeLine(process.stdout, rootHelp([...commands, ...(await singleFileCommands())], TOPICS))
  if (isSingleFileCommand(topic)) return runCommand(SINGLE_FILE, [topic, '--help'])
  if (words.length > 1 || !(topic in TOPICS)) return runPlugin(manifest, words)
  writeLine(process.stdout, topicHelp(topic, TOPICS[topic] ?? '', commands))
}
