/** `run`: image, container, start, and the user's terminal in between until it ends. */
import { Cancelled, CoracleError } from '../errors.ts'
import type { Supervisor } from '../linux/supervisor.ts'
import { openSignalProxy, type SignalProxy } from './attach/signal-proxy.ts'
import { followToEnd } from './attached.ts'
import { writeBundle } from './bundle.ts'
import { createContainer, discardFailed, type Made, makeDraft } from './create.ts'
import { makeDirectories, removeDirectories } from './directories.ts'
import type { Draft } from './draft.ts'
import { NoTerminal, RunFailed } from './errors.ts'
import { rememberModuleImage } from './module-images.ts'
import type { ContainerRoom } from './room.ts'
import { planContainer, startContainer } from './start.ts'
import type { RunIO, RunRequest } from './types.ts'

/** See `ContainerEngine.run`. */
export async function runContainer(room: ContainerRoom, request: RunRequest, io: RunIO): Promise<number> {
  const interactive = request.flags.interactive ?? false
  if (request.flags.tty && interactive && !request.flags.detach && io.stdin.isTTY !== true) throw new NoTerminal()
  const abort = new AbortController()
  using signals = proxied(request, abort)
  try {
    const draft = await makeDraft(room, request, { io, signal: abort.signal })
    if (request.flags['debug-plan']) return await printPlan(room, draft, io)
    const made = await createContainer(room, draft)
    abort.signal.throwIfAborted()
    return await runMade(room, draft, { made, request, io, signals })
  } catch (error) {
    if (abort.signal.aborted) throw new Cancelled({ cause: error })
    throw error instanceof CoracleError ? new RunFailed(error) : error
  }
}

/** Signals go to the container; before it runs, they end the command. With a terminal they are typed. */
function proxied({ flags }: RunRequest, abort: AbortController): SignalProxy | undefined {
  if (flags.tty || flags.detach || flags['sig-proxy'] === false) return undefined
  const fatal = new Set<NodeJS.Signals>(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'])
  return openSignalProxy((name) => {
    if (fatal.has(name)) abort.abort()
  })
}

async function printPlan(room: ContainerRoom, draft: Draft, io: RunIO): Promise<number> {
  const { formatPlan } = await import('../linux/print-plan.ts')
  const directories = makeDirectories(room.paths, draft.id, draft.source)
  try {
    const spec = await writeBundle(room, draft, directories)
    io.stdout.write(`${formatPlan(await planContainer(draft, directories, { spec })).trimEnd()}\n`)
    return 0
  } finally {
    await removeDirectories(room.paths, draft.id)
  }
}

interface Running {
  readonly made: Made
  readonly request: RunRequest
  readonly io: RunIO
  readonly signals: SignalProxy | undefined
}

async function runMade(room: ContainerRoom, draft: Draft, { made, request, io, signals }: Running): Promise<number> {
  const supervisor = await startOrDiscard(room, draft, { made, io })
  if (draft.backendName === 'wasi' && draft.source.id !== undefined) rememberModuleImage(room.paths, request.image)
  for (const warning of supervisor.warnings) io.stderr.write(`WARNING: ${warning}\n`)
  if (request.flags.detach) {
    supervisor.release()
    io.stdout.write(`${draft.id}\n`)
    return 0
  }
  const { config } = draft.settings
  return followToEnd(room, supervisor, {
    container: { id: draft.id, name: made.name, settings: draft.settings },
    io,
    signals,
    streams: {
      stdin: config.OpenStdin && config.AttachStdin,
      stdout: config.AttachStdout,
      stderr: config.AttachStderr,
    },
    detachKeys: request.flags['detach-keys'],
  })
}

async function startOrDiscard(
  room: ContainerRoom,
  draft: Draft,
  { made, io }: { readonly made: Made; readonly io: RunIO },
): Promise<Supervisor> {
  try {
    return await startContainer(room, draft, { made, io, byUser: true })
  } catch (error) {
    await discardFailed(room, draft)
    throw error
  }
}
