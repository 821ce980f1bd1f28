/** From a start to the end of the container, with the user's terminal or pipes in between: `run`, `start -a`. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Supervisor } from '../linux/supervisor.ts'
import { containerDirectory } from '../paths.ts'
import type { Relay } from './attach/relay.ts'
import type { SignalProxy } from './attach/signal-proxy.ts'
import { followTerminalSize, terminalSize } from './attach/terminal-size.ts'
import { DEADLINE_STATUS } from './deadline.ts'
import { finishContainer } from './finish.ts'
import type { ContainerRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import type { RunIO } from './types.ts'

export interface Following {
  readonly container: Pick<ContainerRecord, 'id' | 'name' | 'settings'>
  readonly io: RunIO
  readonly signals: SignalProxy | undefined
  readonly streams: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  readonly detachKeys: string | undefined
}

/** As a program that SIGPIPE ended; the container goes on, as with docker. */
const BROKEN_PIPE_STATUS = 141

/** @returns the exit status for the command: the container's own, or 0 when the user left it running */
export async function followToEnd(room: ContainerRoom, supervisor: Supervisor, following: Following): Promise<number> {
  const { signals, container } = following
  const exited = supervisor.wait()
  exited.catch(() => {}) // awaited below; a failure before that is not unhandled
  signals?.deliverTo((signal) => void supervisor.signal(signal).catch(() => {}))
  const { io } = following
  const terminal = container.settings.config.Tty
  using resizing = terminal ? followTerminalSize(io, supervisor.resize) : undefined
  void resizing
  const size = terminalSize(io)
  if (terminal && size !== undefined) void supervisor.resize(size).catch(() => {}) // it may have changed meanwhile
  const relay = await openUserRelay(supervisor, following)
  try {
    const end = await relay.ended
    if (end !== 'closed') {
      supervisor.release()
      return end === 'detached' ? 0 : BROKEN_PIPE_STATUS
    }
    const exit = await exited
    if (exit.oomKilled) io.stderr.write(`coracle: container ${container.name} was killed: ${outOfMemory(container)}\n`)
    const { TimeoutMs } = container.settings.host
    if (TimeoutMs !== undefined && exit.status === DEADLINE_STATUS)
      io.stderr.write(`coracle: container ${container.name} was stopped: it may run for ${TimeoutMs / 1000} s\n`)
    for (const note of await refusals(room, container)) io.stderr.write(`coracle: ${note}\n`)
    await finishContainer(room, { id: container.id, supervisor: supervisor.supervisor }, { exit })
    return exit.status
  } finally {
    relay.close()
  }
}

/** Of a module; native containers have no such file. */
async function refusals(room: ContainerRoom, { id, settings }: Following['container']): Promise<readonly string[]> {
  const directory = containerDirectory(room.paths, id)
  if (!existsSync(join(directory, 'refused'))) return []
  const { refusalNotes } = await import('./refusals.ts')
  return refusalNotes(directory, settings.host)
}

async function openUserRelay(supervisor: Supervisor, following: Following): Promise<Relay> {
  const { container, io, streams, detachKeys: keys } = following
  const { openRelay } = await import('./attach/relay.ts')
  const { detachKeys } = await import('./attach/detach-keys.ts')
  const terminal = container.settings.config.Tty
  return openRelay(supervisor.stdio, io, {
    terminal,
    ...streams,
    detachKeys: terminal ? detachKeys(keys) : undefined,
  })
}

function outOfMemory({ settings }: Pick<ContainerRecord, 'settings'>): string {
  const { Memory } = settings.host
  return Memory > 0 ? `out of memory (limit ${Math.round(Memory / 1024 / 1024)} MiB)` : 'out of memory'
}
