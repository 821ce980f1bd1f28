/** `start`: a container that was created, or has ended, from its record alone. */
import type { Supervisor } from '../linux/supervisor.ts'
import type { ContainerId } from '../plugins/contract.ts'
import { openSignalProxy } from './attach/signal-proxy.ts'
import { followToEnd } from './attached.ts'
import type { Draft } from './draft.ts'
import { ContainerPaused, NoTerminal, StateConflict } from './errors.ts'
import { findContainer } from './find.ts'
import { discardContainer } from './finish.ts'
import { bareModule } from './obtain-image.ts'
import { type ContainerRecord, readRecord } from './records.ts'
import { stopRestarter } from './restart-policy.ts'
import type { ContainerRoom } from './room.ts'
import { type StartOptions as HowToStart, startContainer } from './start.ts'
import type { RunIO, StartOptions } from './types.ts'

/** The draft that the container was once made of. @throws {ImageNotFound} its image was removed by force */
async function redraft(room: ContainerRoom, record: ContainerRecord): Promise<Draft> {
  const { id, name, imageName, image, settings, backend } = record
  const { platform } = settings
  const source =
    image === undefined ? bareModule(imageName) : await room.images.prepare(image, platform === '' ? {} : { platform })
  return {
    id: id as ContainerId,
    name,
    imageName,
    source,
    backendName: backend,
    backend: await room.openBackend(backend),
    settings,
  }
}

export async function startRecord(
  room: ContainerRoom,
  record: ContainerRecord,
  options: Pick<HowToStart, 'byUser' | 'io'>,
): Promise<Supervisor> {
  const draft = await redraft(room, record)
  try {
    return await startContainer(room, draft, options)
  } catch (error) {
    if (record.autoRemove && !(error instanceof StateConflict)) await discardContainer(room, record)
    throw error
  }
}

/** See `ContainerEngine.start`. */
export async function startNamed(
  room: ContainerRoom,
  name: string,
  { io, ...options }: StartOptions & { readonly io?: RunIO | undefined },
): Promise<number> {
  const record = await findContainer(room, name)
  const { Tty, OpenStdin } = record.settings.config
  const attached = options.attach || options.interactive
  if (attached && options.interactive && Tty && OpenStdin && io?.stdin.isTTY !== true) throw new NoTerminal()
  if (record.state === 'paused') throw new ContainerPaused('cannot start a paused container, try unpause instead')
  if (record.state === 'running' || record.state === 'starting') return alreadyRunning(room, record, { ...options, io })
  if (record.state === 'restarting') stopRestarter(record)
  using signals = attached && !Tty && options.signalProxy !== false ? openSignalProxy(() => {}) : undefined
  const supervisor = await startOrJoin(room, record, io)
  if (supervisor === undefined) return alreadyRunning(room, record, { ...options, io })
  if (!attached || io === undefined) {
    supervisor.release()
    return 0
  }
  return followToEnd(room, supervisor, {
    container: record,
    io,
    signals,
    streams: { stdin: (options.interactive ?? false) && OpenStdin, stdout: true, stderr: true },
    detachKeys: options.detachKeys,
  })
}

/** @returns undefined when somebody else has started it in the meantime: that is what was wanted */
async function startOrJoin(
  room: ContainerRoom,
  record: ContainerRecord,
  io: RunIO | undefined,
): Promise<Supervisor | undefined> {
  try {
    const supervisor = await startRecord(room, record, { byUser: true, io })
    for (const warning of supervisor.warnings) io?.stderr.write(`WARNING: ${warning}\n`)
    return supervisor
  } catch (error) {
    if (error instanceof StateConflict && readRecord(room.database, record.id)?.state === 'running') return undefined
    throw error
  }
}

/** docker says nothing of a second start; attached it takes part in what is running. */
async function alreadyRunning(
  room: ContainerRoom,
  record: ContainerRecord,
  { io, attach, interactive, detachKeys, signalProxy }: StartOptions & { readonly io?: RunIO | undefined },
): Promise<number> {
  if (io === undefined || !(attach || interactive)) return 0
  const { attachContainer } = await import('./attach/attach.ts')
  const options = { stdin: interactive ?? false, detachKeys, signalProxy: signalProxy ?? true }
  return attachContainer(room, record.id, { options, io })
}
