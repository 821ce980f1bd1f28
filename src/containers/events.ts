/** Events of containers, with the attributes docker gives them. */
import { type Database, transaction } from '../state/database.ts'
import { insertEvent } from '../state/events.ts'

/** Within a write transaction; nothing is told of a container that is not there. */
export function insertContainerEvent(
  database: Database,
  id: string,
  action: string,
  extra: Readonly<Record<string, string>> = {},
): void {
  const columns = "name, image_name, labels, json_extract(config, '$.purpose') AS purpose"
  const row = database.prepare(`SELECT ${columns} FROM containers WHERE id = ?`).get(id)
  if (row === undefined || row['purpose'] === 'build') return
  const labels = JSON.parse(row['labels'] as string) as Record<string, string>
  const named = { image: row['image_name'] as string, name: row['name'] as string }
  insertEvent(database, { type: 'container', action, actor: id, attributes: { ...labels, ...named, ...extra } })
}

/** For what happens without a change of state: `kill`, `exec_start: sh`, `attach`, `resize`, `rename` … */
export function logContainerEvent(
  database: Database,
  id: string,
  action: string,
  extra?: Readonly<Record<string, string>>,
): void {
  transaction(database, () => insertContainerEvent(database, id, action, extra))
}
