/** `--health-on-failure`: what happens to a container that has turned unhealthy. */
import { ContainerNotFound, ContainerNotRunning, StateConflict } from '../errors.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'

/** A kill is an end like a crash, which a restart policy answers; a stop is the user's will, and final. */
export async function actOnFailure(room: ContainerRoom, record: ContainerRecord): Promise<void> {
  const action = record.settings.host.HealthOnFailure
  try {
    if (action === 'kill') await (await import('../kill.ts')).killRecord(room, record)
    else if (action === 'stop') await (await import('../stop.ts')).stopContainer(room, record.id, {})
    else if (action === 'restart') await (await import('../restart.ts')).restartContainer(room, record.id, {})
  } catch (error) {
    // Ended, removed or started again by somebody else meanwhile: there is nothing left to act on.
    const settled = [ContainerNotFound, ContainerNotRunning, StateConflict].some((kind) => error instanceof kind)
    if (!settled) throw error
  }
}
