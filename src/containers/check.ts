/** Looks at containers: records against processes, directories and control groups, and what belongs to no container. */
import type { CheckOptions, Finding, RoomReport } from '../state/findings.ts'
import { checkFiles } from './check/files.ts'
import { findGroupsOfNobody } from './check/groups.ts'
import { checkRecord } from './check/record.ts'
import { reconcile } from './reconcile.ts'
import { listRecords } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** Safe beside any other command: what somebody who lives is at work on is left alone. */
export async function checkContainers(room: ContainerRoom, options: CheckOptions): Promise<RoomReport> {
  const records = listRecords(room.database)
  const findings: Finding[] = []
  for (const [index, record] of records.entries()) {
    options.onProgress?.('Checking containers', index, records.length)
    options.signal?.throwIfAborted()
    // What died since somebody last looked is no fault of the store: every command finds it so.
    const current = await reconcile(room, record)
    if (current !== undefined) findings.push(...(await checkRecord(room, current, options)))
  }
  findings.push(...(await checkFiles(room, options)), ...(await findGroupsOfNobody(room, options)))
  return { checked: { containers: records.length }, findings }
}
