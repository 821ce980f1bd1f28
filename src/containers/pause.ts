/** `pause` and `unpause`: all processes of a container stand still, without noticing. */
import { ContainerPaused } from './errors.ts'
import { openRunning } from './find.ts'
import { holding } from './hold.ts'
import { advance } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** The record first: when this is cut short, `unpause` puts everything right, and nothing is frozen unseen. */
export async function pauseContainer(room: ContainerRoom, name: string): Promise<void> {
  const { record, backend, container } = await openRunning(room, name)
  const { id } = record
  await holding(room, id, async () => {
    if (record.state === 'paused') throw new ContainerPaused(`Container ${id} is already paused`)
    advance(room.database, id, { to: 'paused', from: ['running'] })
    try {
      await backend.pause(container)
    } catch (error) {
      advance(room.database, id, { to: 'running', from: ['paused'] })
      throw error
    }
  })
}

export async function unpauseContainer(room: ContainerRoom, name: string): Promise<void> {
  const { record, backend, container } = await openRunning(room, name)
  const { id } = record
  await holding(room, id, async () => {
    if (record.state !== 'paused')
      throw new ContainerPaused(`Container ${id} is not paused`, { hint: `it is ${record.state}` })
    await backend.resume(container)
    advance(room.database, id, { to: 'running', from: ['paused'] })
  })
}
