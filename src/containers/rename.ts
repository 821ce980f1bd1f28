/** `rename`. */
import { InvalidArgument } from '../errors.ts'
import { transaction } from '../state/database.ts'
import { ContainerNameInUse } from './errors.ts'
import { insertContainerEvent } from './events.ts'
import { findContainer } from './find.ts'
import { parseName } from './parse/run-request.ts'
import { changeRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** See `ContainerEngine.rename`. @throws {InvalidArgument} */
export async function renameContainer(room: ContainerRoom, from: string, to: string): Promise<void> {
  const { id, name: old } = await findContainer(room, from)
  const name = parseName(to)
  if (name === '') throw new InvalidArgument('Neither old nor new names may be empty')
  if (name === old) throw new InvalidArgument('Renaming a container with the same name as its current name')
  const { database } = room
  transaction(database, () => {
    const holder = database.prepare('SELECT id FROM containers WHERE name = ?').get(name)
    if (holder !== undefined) throw new ContainerNameInUse(name, String(holder['id']))
    changeRecord(database, id, { name })
    insertContainerEvent(database, id, 'rename', { oldName: `/${old}` })
  })
  const { renameEndpoints } = await import('../network/publish-names.ts')
  await renameEndpoints(room, id, { from: old, to: name })
}
