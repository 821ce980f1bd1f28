/** Events of networks, with the attributes docker gives them. */
import type { Database } from '../state/database.ts'
import { insertEvent } from '../state/events.ts'

export type NetworkAction = 'create' | 'connect' | 'disconnect' | 'destroy' | 'leave_failed' | 'remove_failed'

/** Within a write transaction. `container` is the id of the one that comes or goes. */
export function insertNetworkEvent(
  database: Database,
  { id, name, driver }: { readonly id: string; readonly name: string; readonly driver: string },
  {
    action,
    container,
    reason,
  }: { readonly action: NetworkAction; readonly container?: string; readonly reason?: string },
): void {
  const attributes = {
    ...(container !== undefined && { container }),
    ...(reason !== undefined && { reason }),
    name,
    type: driver,
  }
  insertEvent(database, { type: 'network', action, actor: id, attributes })
}
