/**
 * The process of a `.ts` or `.js` command. The file comes over the line, is never read from the disk, and finds nothing to
 * import but `coracle/plugin` and parts of Node. This runs inside the walls: whatever it says is doubted outside.
 */
import { registerHooks } from 'node:module'
import { Socket } from 'node:net'
import { type Answer, MAX_FRAME_BYTES, type Output, readFrames, type Start } from './frames.ts'
import { narrowProcess } from './narrow-process.ts'
import { CONTRACT_VERSION, type Command, type CommandContext } from './plugin.ts'
import { openRemoteEngine } from './remote-engine.ts'

const PLUGIN_URL = 'coracle-plugin:///'
const CONTRACT_URL = 'coracle-contract:///'
const CONTRACT_SOURCE = `export const CONTRACT_VERSION = '${CONTRACT_VERSION}'; export const defineCommand = (command) => command`

const socket = new Socket({ fd: 3 })
const remote = openRemoteEngine(socket)
let started = false

readFrames(socket, {
  maxBytes: MAX_FRAME_BYTES,
  take: (frame) => {
    if (started) return remote.take(frame as Answer | Output)
    started = true
    main(frame as Start).catch(complain)
  },
  fail: complain,
})
socket.once('close', () => process.exit(1)) // whoever started us is gone
process.once('uncaughtException', complain)

let told = ''

async function main(start: Start): Promise<void> {
  told = start.name
  const { mode, name, args, flags } = start
  const command = await load(start)
  if (mode === 'declare') {
    const { run, ...declared } = command
    if (typeof run !== 'function') throw new Error('it exports no run function')
    socket.end(`${JSON.stringify({ declared })}\n`)
    return
  }
  socket.unref() // a command ends when it has nothing left to do
  const context: CommandContext = { name, args, flags, engine: remote.engine, print: (line) => console.log(line) }
  const status = await command.run(context)
  if (typeof status === 'number') process.exitCode = status
}

async function load({ source, language, name, builtins }: Start): Promise<Command> {
  const text = Buffer.from(source, 'base64').toString('utf8')
  const url = `${PLUGIN_URL}${name}.${language}`
  const allowed = new Set(builtins)
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === url) return { url, shortCircuit: true }
      if (specifier === 'coracle/plugin') return { url: CONTRACT_URL, shortCircuit: true }
      if (specifier.startsWith('data:') || allowed.has(specifier.replace(/^node:/, ''))) return next(specifier, context)
      throw new Error(`it imports ${specifier}, which a single file cannot have`)
    },
    load: (at, context, next) => {
      if (at === CONTRACT_URL) return { format: 'module', source: CONTRACT_SOURCE, shortCircuit: true }
      if (at !== url) return next(at, context)
      return { format: language === 'ts' ? 'module-typescript' : 'module', source: text, shortCircuit: true }
    },
  })
  narrowProcess()
  const { default: command } = (await import(url)) as { default?: unknown }
  if (typeof command !== 'object' || command === null) throw new Error('it has no default export that is an object')
  return command as Command
}

/** Says what was locked, and the key: `hello may not read /etc/shadow`. */
function complain(error: unknown): void {
  const reason = reasonOf(error)
  console.error(`coracle: ${told}: ${reason}`)
  if (process.env['CORACLE_DEBUG'] === '1' && error instanceof Error) console.error(error.stack)
  if (socket.writable) socket.end(`${JSON.stringify({ failed: reason.slice(0, 2000) })}\n`, () => process.exit(1))
  else process.exit(1)
}

/** By the flag of Node that would grant it; not all of its errors name the permission otherwise. */
const REFUSED: Readonly<Record<string, string>> = {
  'fs-read': 'read',
  'fs-write': 'write',
  net: 'net',
  'child-process': 'run',
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof Error) return reasonOf(error.cause) // `fetch failed` says nothing
  const { code, resource = '' } = error as { code?: unknown; resource?: string }
  if (code !== 'ERR_ACCESS_DENIED') return error.message
  const word = REFUSED[/--allow-([a-z-]+)/.exec(error.message)?.[1] ?? '']
  if (word === undefined) return `it was refused: ${error.message}`
  return `it was not granted ${word}${resource === '' ? '' : `=${resource}`}`
}
