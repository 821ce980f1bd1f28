/** `run`: image, container, start, and the user's terminal in between until it ends. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { Cancelled, CoracleError, InvalidArgument } from '../errors.ts'
import type { ExitRecord } from '../linux/exit-record.ts'
import type { Supervisor } from '../linux/supervisor.ts'
import type { RuntimeSpec } from '../oci/runtime-spec.ts'
import type { Relay } from './attach/relay.ts'
import { openSignalProxy, type SignalProxy } from './attach/signal-proxy.ts'
import { writeBundle } from './bundle.ts'
import { makeDirectories, removeDirectories } from './directories.ts'
import { type Draft, draftContainer } from './draft.ts'
import { NoTerminal, RunFailed } from './errors.ts'
import { discardContainer, finishContainer } from './finish.ts'
import { hastenCgroups } from './host.ts'
import { obtainImage } from './obtain-image.ts'
import { parseRunRequest } from './parse/run-request.ts'
import { insertRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { type BundleDirectories, planContainer, startContainer } from './start.ts'
import type { RunIO, RunRequest } from './types.ts'

/** See `ContainerEngine.run`. */
export async function runContainer(room: ContainerRoom, request: RunRequest, io: RunIO): Promise<number> {
  const interactive = request.flags.interactive ?? false
  if (request.flags.tty && interactive && !request.flags.detach && io.stdin.isTTY !== true) throw new NoTerminal()
  await hastenCgroups()
  const abort = new AbortController()
  using signals = proxied(request, abort)
  try {
    const draft = await makeDraft(room, request, io, abort.signal)
    if (request.flags['debug-plan']) return await printPlan(room, draft, io)
    const made = await createContainer(room, draft)
    abort.signal.throwIfAborted()
    return await startAttached(room, draft, { made, request, io, signals })
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

async function makeDraft(room: ContainerRoom, request: RunRequest, io: RunIO, signal: AbortSignal): Promise<Draft> {
  const settings = parseRunRequest(request)
  const { ContainerIDFile: cidfile } = settings.host
  if (cidfile !== '' && existsSync(cidfile))
    throw new InvalidArgument(
      `container ID file found, make sure the other container isn't running or delete ${cidfile}`,
    )
  const source = await obtainImage(room, request.image, {
    settings,
    openTransfer: io.openTransfer,
    signal,
    say: (line) => io.stderr.write(`${line}\n`),
  })
  return draftContainer(room, settings, source)
}

interface Made {
  readonly name: string
  readonly directories: BundleDirectories
  readonly spec: RuntimeSpec
}

/** Record first, so that whatever a crash leaves on disk has a name. After a failure nothing is left. */
async function createContainer(room: ContainerRoom, draft: Draft): Promise<Made> {
  const { id, settings, imageName, source } = draft
  const name = insertRecord(room.database, {
    id,
    name: draft.name,
    image: source.id,
    imageName,
    backend: draft.backendName,
    settings,
  })
  const cidfile = settings.host.ContainerIDFile
  try {
    const directories = makeDirectories(room.paths, id, source)
    const spec = await writeBundle(room, draft, directories)
    if (cidfile !== '') writeFileSync(cidfile, id, { flag: 'wx' })
    return { name, directories, spec }
  } catch (error) {
    await discardContainer(room, draft)
    throw error
  }
}

async function printPlan(room: ContainerRoom, draft: Draft, io: RunIO): Promise<number> {
  const { formatPlan } = await import('../linux/print-plan.ts')
  const directories = makeDirectories(room.paths, draft.id, draft.source)
  try {
    const spec = await writeBundle(room, draft, directories)
    io.stdout.write(`${formatPlan(await planContainer(draft, directories, spec)).trimEnd()}\n`)
    return 0
  } finally {
    await removeDirectories(room.paths, draft.id)
  }
}

interface Attaching {
  readonly made: Made
  readonly request: RunRequest
  readonly io: RunIO
  readonly signals: SignalProxy | undefined
}

async function startAttached(room: ContainerRoom, draft: Draft, attaching: Attaching): Promise<number> {
  const { made, request, io, signals } = attaching
  const supervisor = await startOrDiscard(room, draft, attaching)
  for (const warning of supervisor.warnings) io.stderr.write(`WARNING: ${warning}\n`)
  if (request.flags.detach) {
    supervisor.release()
    io.stdout.write(`${draft.id}\n`)
    return 0
  }
  const exited = supervisor.wait()
  exited.catch(() => {}) // awaited below; a failure before that is not unhandled
  signals?.deliverTo((signal) => void supervisor.signal(signal).catch(() => {}))
  using resizing = followSize(supervisor, draft, io)
  void resizing
  const relay = await attach(supervisor, draft, attaching)
  try {
    const end = await relay.ended
    if (end === 'closed') return await finish(room, draft, { exit: await exited, name: made.name, io })
    supervisor.release()
    return end === 'detached' ? 0 : BROKEN_PIPE_STATUS
  } finally {
    relay.close()
  }
}

/** As a program that SIGPIPE ended; the container goes on, as with docker. */
const BROKEN_PIPE_STATUS = 141

async function startOrDiscard(room: ContainerRoom, draft: Draft, { made, io }: Attaching): Promise<Supervisor> {
  const { columns, rows } = io.stdout
  const size = columns === undefined || rows === undefined ? undefined : { columns, rows }
  try {
    return await startContainer(room, draft, { ...made, size })
  } catch (error) {
    const { AutoRemove, ContainerIDFile } = draft.settings.host
    if (AutoRemove) await discardContainer(room, draft)
    if (AutoRemove && ContainerIDFile !== '') rmSync(ContainerIDFile, { force: true })
    throw error
  }
}

async function attach(supervisor: Supervisor, draft: Draft, { request, io }: Attaching): Promise<Relay> {
  const { openRelay } = await import('./attach/relay.ts')
  const { detachKeys } = await import('./attach/detach-keys.ts')
  const { config } = draft.settings
  return openRelay(supervisor.stdio, io, {
    terminal: config.Tty,
    stdin: config.OpenStdin && config.AttachStdin,
    stdout: config.AttachStdout,
    stderr: config.AttachStderr,
    detachKeys: config.Tty ? detachKeys(request.flags['detach-keys']) : undefined,
  })
}

/** Tells the container's terminal when the user's changes its size. */
function followSize(supervisor: Supervisor, draft: Draft, { stdout }: RunIO): Disposable {
  const onResize = () => {
    const { columns, rows } = stdout
    if (columns !== undefined && rows !== undefined) void supervisor.resize({ columns, rows }).catch(() => {})
  }
  const follow = draft.settings.config.Tty && stdout.isTTY === true
  if (follow) {
    stdout.on('resize', onResize)
    onResize() // it may have changed while the container started
  }
  return { [Symbol.dispose]: () => stdout.off('resize', onResize) }
}

async function finish(
  room: ContainerRoom,
  draft: Draft,
  { exit, name, io }: { exit: ExitRecord; name: string; io: RunIO },
): Promise<number> {
  if (exit.oomKilled) io.stderr.write(`coracle: container ${name} was killed: ${outOfMemory(draft)}\n`)
  await finishContainer(
    room,
    { id: draft.id, backend: draft.backendName, settings: draft.settings, autoRemove: draft.settings.host.AutoRemove },
    exit,
  )
  return exit.status
}

function outOfMemory(draft: Draft): string {
  const { Memory } = draft.settings.host
  return Memory > 0 ? `out of memory (limit ${Math.round(Memory / 1024 / 1024)} MiB)` : 'out of memory'
}
