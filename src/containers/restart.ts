/** `restart`: stopped as by `stop`, then started again, by one command. */
import { logContainerEvent } from './events.ts'
import { findContainer } from './find.ts'
import { parseSignal } from './parse/signals.ts'
import type { ContainerRoom } from './room.ts'
import { startRecord } from './start-again.ts'
import { stopRecord } from './stop.ts'
import type { StopOptions } from './types.ts'

/** See `ContainerEngine.restart`. Also one that does not run is started; one with `--rm` is kept. */
export async function restartContainer(room: ContainerRoom, name: string, options: StopOptions): Promise<void> {
  const record = await findContainer(room, name)
  const signal = options.signal === undefined ? undefined : parseSignal(options.signal)
  await stopRecord(room, record, { ...options, signal, keep: true })
  const stopped = await findContainer(room, record.id)
  const supervisor = await startRecord(room, stopped, { byUser: true })
  supervisor.release()
  logContainerEvent(room.database, record.id, 'restart')
}
