/** From a start to the end of the container, with the user's terminal or pipes in between: `run`, `start -a`. */
import type { Supervisor } from '../linux/supervisor.ts'
import type { Relay } from './attach/relay.ts'
import type { SignalProxy } from './attach/signal-proxy.ts'
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
  using resizing = followSize(supervisor, following)
  void resizing
  const relay = await openUserRelay(supervisor, following)
  try {
    const end = await relay.ended
    if (end !== 'closed') {
      supervisor.release()
      return end === 'detached' ? 0 : BROKEN_PIPE_STATUS
    }
    const exit = await exited
    if (exit.oomKilled)
      following.io.stderr.write(`coracle: container ${container.name} was killed: ${outOfMemory(container)}\n`)
    await finishContainer(room, { id: container.id, supervisor: supervisor.supervisor }, { exit })
    return exit.status
  } finally {
    relay.close()
  }
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

/** Tells the container's terminal when the user's changes its size. */
function followSize(supervisor: Supervisor, { container, io }: Following): Disposable {
  const { stdout } = io
  const onResize = () => {
    const { columns, rows } = stdout
    if (columns !== undefined && rows !== undefined) void supervisor.resize({ columns, rows }).catch(() => {})
  }
  const follow = container.settings.config.Tty && stdout.isTTY === true
  if (follow) {
    stdout.on('resize', onResize)
    onResize() // it may have changed while the container started
  }
  return { [Symbol.dispose]: () => stdout.off('resize', onResize) }
}

function outOfMemory({ settings }: Pick<ContainerRecord, 'settings'>): string {
  const { Memory } = settings.host
  return Memory > 0 ? `out of memory (limit ${Math.round(Memory / 1024 / 1024)} MiB)` : 'out of memory'
}
