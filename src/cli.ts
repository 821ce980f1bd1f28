/**
 * Finds the command that the words name and runs it. Our own commands are looked up in oclif's manifest and loaded
 * directly: oclif's discovery of plugins, hooks and themes takes longer than most commands (docs/decisions). What the manifest
 * does not know is looked for among the plugins.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Config } from '@oclif/core/config'
import type { HookEvent, NpmCommands } from './engine/npm-commands.ts'
import { CoracleError } from './errors.ts'
import { isLoneCommand, loadCommand } from './load-command.ts'
import { packageRoot, readPackageVersion } from './package-root.ts'
import { npmHooksPath, npmIndexPath, pluginDirectory, pluginsDirectory, readPaths, statePath } from './paths.ts'
import { closest } from './ui/closest.ts'
import { UnknownCommand, UsageError } from './ui/errors.ts'
import { type FoundCommand, findCommand } from './ui/find-command.ts'
import { type HelpCommand, rootHelp, topicHelp } from './ui/help.ts'
import { reportError } from './ui/report-error.ts'
import { writeLine } from './ui/text.ts'
import { TOPICS } from './ui/topics.ts'
import { adoptInherited } from './util/inherited.ts'

interface Manifest {
  readonly commands: Readonly<Record<string, HelpCommand>>
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
  const found = findCommand(manifest.commands, words)
  if (found !== undefined) return runCommand(found, words.slice(found.length))
  if (isTopic(topic) && isHelpWanted(words)) return help(manifest, [topic])
  return runPlugin(manifest, words)
}

async function runCommand({ id, typed }: FoundCommand, argv: readonly string[]): Promise<void> {
  const Class = await loadCommand(id)
  const config = Object.assign(new Config({ root: packageRoot }), {
    bin: 'coracle',
    name: 'coracle',
    version: readPackageVersion(),
  })
  Class.id = typed
  // Not around what removes plugins: whatever their hooks do, there is a way out.
  const hooked = !/^(?:internal|plugins)\b/.test(id) && existsSync(npmHooksPath(readPaths()))
  if (!hooked) return void (await new Class([...argv], config)._run())
  await tellHooks('init', { id, argv })
  await tellHooks('prerun', { Command: Class, argv })
  await new Class([...argv], config)._run()
  await tellHooks('postrun', { Command: Class, argv })
}

/** Commands of single files, which have a directory each, and of plugins that npm has installed, which have an index. */
async function runPlugin(manifest: Manifest, words: readonly string[]): Promise<void> {
  if (isSingleFileCommand(words[0])) return runCommand(SINGLE_FILE, words)
  const npm = await npmCommands()
  const found = npm?.find(words)
  if (found !== undefined) return runNpm(found, words.slice(found.length))
  const [topic = ''] = words
  if (npm !== undefined && Object.hasOwn(npm.topics, topic) && isHelpWanted(words))
    return writeLine(process.stdout, topicHelp(topic, npm.topics[topic] ?? '', npm.commands))
  await tellHooks('command_not_found', { id: words[0], argv: words.slice(1) })
  const own = Object.entries(manifest.commands).flatMap(([name, { aliases = [] }]) => [name, ...aliases])
  const known = [
    ...own,
    ...(npm?.commands ?? []).map(({ id }) => id),
    ...(await singleFileCommands()).map(({ id }) => id),
  ]
  const typed = words.slice(0, isTopic(topic) ? 2 : 1).join(' ')
  const names = known.map((name) => name.replaceAll(':', ' '))
  throw new UnknownCommand(typed, closest(typed, names))
}

/** Not what all objects have: `constructor` is a word that a plugin may take. */
function isTopic(word: string): boolean {
  return Object.hasOwn(TOPICS, word)
}

function isHelpWanted(words: readonly string[]): boolean {
  return words.length === 1 || words[1] === '--help' || words[1] === '-h'
}

/** undefined where no npm plugin is installed, which costs one look at the disk. */
async function npmCommands(): Promise<NpmCommands | undefined> {
  const paths = readPaths()
  if (!existsSync(npmIndexPath(paths))) return undefined
  const { openNpmCommands } = await import('./engine/npm-commands.ts')
  return openNpmCommands(paths)
}

async function runNpm(found: NonNullable<ReturnType<NpmCommands['find']>>, argv: readonly string[]): Promise<void> {
  const { runNpmCommand } = await import('./engine/npm-commands.ts')
  const outcome = await runNpmCommand(found, argv)
  if (typeof outcome === 'string') writeLine(process.stdout, outcome)
  else process.exitCode = outcome
}

/** Hooks of npm plugins; where there are none, one look at the disk. */
async function tellHooks(event: HookEvent, words: object): Promise<void> {
  const paths = readPaths()
  if (!existsSync(npmHooksPath(paths))) return
  const { runNpmHooks } = await import('./engine/npm-commands.ts')
  for (const fault of await runNpmHooks(paths, event, words)) writeLine(process.stderr, `WARNING: ${fault}`)
}

const SINGLE_FILE: FoundCommand = { id: 'internal:plugin', length: 0, typed: 'internal:plugin' }

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

async function help(manifest: Manifest, words: readonly string[]): Promise<void> {
  const commands = Object.values(manifest.commands)
  const [topic = ''] = words
  const found = findCommand(manifest.commands, words)
  if (found !== undefined) return runCommand(found, ['--help'])
  if (words.length === 0) return fullHelp(commands)
  if (isSingleFileCommand(topic)) return runCommand(SINGLE_FILE, [topic, '--help'])
  if (words.length > 1 || !isTopic(topic)) return runPlugin(manifest, [...words, '--help'])
  writeLine(process.stdout, topicHelp(topic, TOPICS[topic] ?? '', commands))
}

async function fullHelp(own: readonly HelpCommand[]): Promise<void> {
  const npm = await npmCommands().catch(tellBrokenIndex)
  for (const fault of npm?.faults ?? []) writeLine(process.stderr, `WARNING: ${fault}`)
  const commands = [...own, ...(npm?.commands ?? []), ...(await singleFileCommands())]
  writeLine(process.stdout, rootHelp(commands, { ...TOPICS, ...npm?.topics }))
}

/** Help is there for those who are in trouble. */
function tellBrokenIndex(error: unknown): undefined {
  if (!(error instanceof CoracleError) || error.code !== 'PLUGIN_INDEX_BROKEN') throw error
  writeLine(process.stderr, `WARNING: ${error.message}: ${error.hint ?? ''}`)
}
