/** Containers of build steps that nobody has removed: their build was killed after it had taken over their end. */
import { reconcile } from './reconcile.ts'
import { readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** Nobody lists them, so nobody else would come upon them. Those of builds that live are left alone. */
export async function removeLeftSteps(room: ContainerRoom): Promise<void> {
  const rows = room.database
    .prepare("SELECT id FROM containers WHERE json_extract(config, '$.purpose') = 'build'")
    .all()
  for (const row of rows) {
    const record = readRecord(room.database, String(row['id']))
    if (record !== undefined) await reconcile(room, record)
  }
}
