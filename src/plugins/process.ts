/** Starts the process of a plugin, feeds it, answers it, and sees to its end. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { constants } from 'node:os'
import { type Confinement, startConfined } from './confine.ts'
import { EngineRuns, type StartRun } from './engine-runs.ts'
import { PluginMisbehaved } from './errors.ts'
import { type Answer, MAX_REQUEST_BYTES, readFrames, type Start, writeFrame } from './frames.ts'
import { allowedBuiltins } from './narrow-process.ts'
import { readablePaths } from './permissions.ts'

export type PluginStart = Omit<Start, 'language' | 'builtins' | 'files' | 'mode'>
/** What the other end of the line may ask for. */
export interface Answering {
  /** Before anything else is done about a call. @throws whatever the plugin shall be told, as the others do */
  check(method: string): void
  answer(method: string, parameter: unknown): Promise<unknown>
  readonly run: StartRun
}

const DECLARE_TIMEOUT_MS = 10_000
/** How long a plugin may go on after ^C or SIGTERM. */
const GRACE_MS = 2000

/**
 * What the file exports, read in a process that may do nothing.
 *
 * @throws {PluginMisbehaved} it fails, sends nonsense, or takes longer than ten seconds
 */
export async function askDeclaration(start: PluginStart, language: Confinement['language']): Promise<unknown> {
  const child = startConfined({ language, granted: [], streams: 'ignore' })
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  // On one line: what a stranger says must not look like something that we say.
  const fail = (reason: string) => {
    const line = reason.replace(/\s+/g, ' ').slice(0, 1000)
    reject(new PluginMisbehaved(`${start.name} could not be asked what it is: ${line}`))
  }
  const timer = setTimeout(() => fail(`no answer within ${DECLARE_TIMEOUT_MS / 1000} s`), DECLARE_TIMEOUT_MS)
  child.once('error', (error) => fail(error.message))
  child.once('close', () => fail('its process ended without a word'))
  const take = (frame: unknown) => {
    const { declared, failed } = (frame ?? {}) as { declared?: unknown; failed?: unknown }
    if (declared !== undefined) resolve(declared)
    else fail(typeof failed === 'string' ? failed : 'nothing that makes sense')
  }
  const line = lineOf(child)
  readFrames(line, { maxBytes: MAX_REQUEST_BYTES, take, fail })
  const nothing = { files: [], builtins: allowedBuiltins([]) }
  void writeFrame(line, { ...start, ...nothing, language, mode: 'declare' } satisfies Start)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
    line.destroy()
  }
}

/**
 * Runs a command to its end, with the user's standard streams. ^C and SIGTERM end it, after two seconds by force.
 *
 * @returns its exit status; 128 + n if signal n ended it
 */
export async function runConfined(
  start: PluginStart,
  confinement: Omit<Confinement, 'streams'>,
  answering: Answering,
): Promise<number> {
  const { language, granted } = confinement
  const child = startConfined({ ...confinement, streams: 'inherit' })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const line = lineOf(child)
  const fail = () => child.kill('SIGKILL')
  const runs = new EngineRuns(line, answering.run)
  readFrames(line, { maxBytes: MAX_REQUEST_BYTES, take: inTurn(line, runs, answering), fail })
  const may = { files: readablePaths(granted), builtins: allowedBuiltins(granted) }
  void writeFrame(line, { ...start, ...may, language, mode: 'run' } satisfies Start)
  const release = passSignals(child)
  try {
    const [status, signal] = await ended
    return status ?? 128 + (signal === null ? 0 : constants.signals[signal])
  } finally {
    line.destroy()
    await runs.end()
    release()
  }
}

function lineOf(child: ChildProcess): Socket {
  const line = child.stdio[3] as Socket
  line.on('error', () => line.destroy()) // its end is what counts, and that is waited for
  return line
}

/**
 * One call after the other: while one is answered no further ones are read, however many a plugin sends, and none of the
 * answers waits in our memory for a plugin that does not read them. Containers go on meanwhile.
 */
function inTurn(line: Socket, runs: EngineRuns, { check, answer }: Answering): (frame: unknown) => void {
  let turn = Promise.resolve()
  let waiting = 0
  const reply = async (id: number, work: () => Promise<unknown>) => writeFrame(line, await answered(id, work))
  const handle = async (id: number, method: string, parameter: unknown) => {
    if (method !== 'run')
      return reply(id, async () => {
        check(method)
        return answer(method, parameter)
      })
    try {
      check(method)
      runs.begin(id, parameter, (result) => reply(id, () => result))
    } catch (error) {
      await reply(id, () => Promise.reject(error))
    }
  }
  return (frame) => {
    const { id, taken, method, parameter } = (frame ?? {}) as Partial<Record<string, unknown>>
    if (typeof id !== 'number') return // word of a failure, which it has printed
    if (typeof taken === 'number') return runs.taken(id, taken)
    if (typeof method !== 'string') return
    waiting++
    line.pause()
    turn = turn.then(async () => {
      if (!line.destroyed) await handle(id, method, parameter)
      if (--waiting === 0) line.resume()
    })
  }
}

async function answered(id: number, work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { id, result: await work() }
  } catch (error) {
    const { code = 'INTERNAL' } = error as { code?: string }
    return { id, error: { code, message: error instanceof Error ? error.message : 'unknown failure' } }
  }
}

/** A terminal sends ^C to the plugin as well; whoever sends SIGTERM means us. @returns what ends it */
function passSignals(child: ChildProcess): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let timer: NodeJS.Timeout | undefined
  const pass = (signal: NodeJS.Signals) => {
    if (timer !== undefined) child.kill('SIGKILL')
    else if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal)
    timer ??= setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  }
  for (const signal of signals) process.on(signal, pass)
  return () => {
    clearTimeout(timer)
    for (const signal of signals) process.off(signal, pass)
  }
}
