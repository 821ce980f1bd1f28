/** `attach`: the user's terminal and a container that somebody else has started. */
import type { ExitRecord } from '../../linux/exit-record.ts'
import { attachSupervisor, type ConnectedSupervisor, connectSupervisor } from '../../linux/supervisor-client.ts'
import { containerRunDirectory } from '../../paths.ts'
import { NoTerminal } from '../errors.ts'
import { logContainerEvent } from '../events.ts'
import { CannotAttach, OutputLost } from '../exec/errors.ts'
import { findContainer } from '../find.ts'
import { readExit } from '../reconcile.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { AttachOptions, RunIO } from '../types.ts'
import { detachKeys } from './detach-keys.ts'
import { openRelay } from './relay.ts'
import { openSignalProxy } from './signal-proxy.ts'
import { followTerminalSize, terminalSize } from './terminal-size.ts'

/** As a program that SIGPIPE ended; the container goes on, as with docker. */
const BROKEN_PIPE_STATUS = 141
/** Between the end of the output and the news of the container's end. */
const NEWS_MS = 5_000

/** See `ContainerEngine.attach`. Several may be attached at once: each gets all output, and may type. */
export async function attachContainer(
  room: ContainerRoom,
  name: string,
  { options, io }: { readonly options: AttachOptions; readonly io: RunIO },
): Promise<number> {
  const record = await findContainer(room, name)
  refuse(record)
  const { Tty, OpenStdin } = record.settings.config
  const stdin = options.stdin && OpenStdin
  if (stdin && Tty && io.stdin.isTTY !== true) throw new NoTerminal()
  const directory = containerRunDirectory(room.paths, record.id)
  const control = await connectSupervisor(directory)
  if (control === undefined) throw stopped()
  try {
    return await follow(room, record, { control, directory, io, options: { ...options, stdin } })
  } finally {
    control.close()
  }
}

/** In the words of docker's command. */
function refuse({ state }: ContainerRecord): void {
  if (state === 'paused') throw new CannotAttach('You cannot attach to a paused container, unpause it first')
  if (state === 'restarting')
    throw new CannotAttach('You cannot attach to a restarting container, wait until it is running')
  if (state !== 'running' && state !== 'stopping') throw stopped()
}

function stopped(): CannotAttach {
  return new CannotAttach('You cannot attach to a stopped container, start it first')
}

interface Following {
  readonly control: ConnectedSupervisor
  readonly directory: string
  readonly io: RunIO
  readonly options: AttachOptions
}

async function follow(room: ContainerRoom, record: ContainerRecord, following: Following): Promise<number> {
  const { control, directory, io, options } = following
  const terminal = record.settings.config.Tty
  // Before the streams: the end is not missed, however soon it comes.
  const exited = control.wait()
  exited.catch(() => {}) // awaited below; a failure before that is not unhandled
  const attached = await attachSupervisor(directory, { stdin: options.stdin, stdout: true, stderr: true })
  if (attached === undefined) return (await news(room, record, exited)).status
  logContainerEvent(room.database, record.id, 'attach')
  using signals = !terminal && options.signalProxy ? openSignalProxy(() => {}) : undefined
  signals?.deliverTo((signal) => void control.signal(signal).catch(() => {}))
  using resizing = terminal ? followTerminalSize(io, control.resize) : undefined
  void resizing
  if (terminal) redraw(control, io)
  const relay = openRelay(attached.stdio, io, {
    terminal,
    stdin: options.stdin,
    stdout: true,
    stderr: true,
    detachKeys: terminal && options.stdin ? detachKeys(options.detachKeys) : undefined,
  })
  try {
    const end = await relay.ended
    if (end === 'closed') return (await news(room, record, exited)).status
    attached.stdio.destroy()
    if (end === 'broken-pipe') return BROKEN_PIPE_STATUS
    logContainerEvent(room.database, record.id, 'detach')
    io.stderr.write('read escape sequence\n')
    return 0
  } finally {
    relay.close()
  }
}

/** A program shows itself anew only when the size changes: for a moment it is another one. */
function redraw(control: ConnectedSupervisor, io: RunIO): void {
  const size = terminalSize(io)
  if (size === undefined) return
  const { columns, rows } = size
  const resized = control.resize({ columns: columns + 1, rows: rows + 1 }).then(() => control.resize({ columns, rows }))
  resized.catch(() => {}) // the container has just ended
}

/** @throws {OutputLost} the container goes on: its output came faster than it was read */
async function news(
  room: ContainerRoom,
  record: ContainerRecord,
  exited: Promise<ExitRecord>,
): Promise<Pick<ExitRecord, 'status'>> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), NEWS_MS)
  try {
    const exit = await Promise.race([exited, late.promise]).catch((error: unknown) => {
      const written = readExit(room, record)
      if (written === undefined) throw error
      return written
    })
    if (exit === undefined) throw new OutputLost(record.name)
    return exit
  } finally {
    clearTimeout(timer)
  }
}
