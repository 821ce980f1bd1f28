/** What resolvers know of a network: a file beside their containers' sockets, written anew with each change. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { transaction } from '../state/database.ts'
import { endpointsOf } from './records.ts'
import type { NetworkRoom } from './room.ts'

/** Directory of all of them: `<network id>/names`. */
export function namesDirectory({ paths }: Pick<NetworkRoom, 'paths'>): string {
  return join(paths.run, 'networks')
}

/** Within a write transaction, so that nobody overwrites it with what was true before. */
export async function publishNames(room: NetworkRoom, networks: readonly string[]): Promise<void> {
  if (networks.length === 0) return
  const { writeNetworkNames } = await import('./names/files.ts')
  transaction(room.database, () => {
    for (const network of networks) {
      const named = endpointsOf(room.database, { network }).filter(({ names }) => names.length > 0)
      if (named.length === 0) rmSync(join(namesDirectory(room), network), { recursive: true, force: true })
      else writeNetworkNames(namesDirectory(room), network, named)
    }
  })
}

/** A container that is called otherwise from now on, where it runs. */
export async function renameEndpoints(
  room: NetworkRoom,
  container: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const { database } = room
  const endpoints = endpointsOf(database, { container })
  transaction(database, () => {
    for (const { id, names } of endpoints) {
      const changed = names.map((name) => (name === from ? to : name))
      database
        .prepare('UPDATE endpoints SET container_name = ?, names = ? WHERE id = ?')
        .run(to, JSON.stringify(changed), id)
    }
  })
  const named = endpoints.filter(({ names }) => names.length > 0)
  await publishNames(
    room,
    named.map(({ network }) => network),
  )
}
