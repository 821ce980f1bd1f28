/** `system check`: database, containers, networks, volumes and images, each by its own room. */
import type { Database } from '../../state/database.ts'
import type { CheckOptions, CheckReport, Finding, RoomReport } from '../../state/findings.ts'
import type { SystemRoom } from './room.ts'

/** See `SystemEngine.check`. Containers first: what they no longer use is found with the images. */
export async function checkStore(room: SystemRoom, options: CheckOptions): Promise<CheckReport> {
  options.onProgress?.('Checking database', 0, 1)
  const damaged = checkDatabase(room.database)
  // Rows of a damaged database are no ground to remove anything on.
  const rest = damaged.length > 0 ? { ...options, repair: false } : options
  const reports: RoomReport[] = [
    { checked: {}, findings: damaged },
    await room.containers.check(rest),
    await room.networks.check(rest),
    await room.volumes.check(rest),
    await room.images.check(rest),
  ]
  return {
    checked: Object.assign(
      { blobs: 0, snapshots: 0, images: 0, containers: 0, files: 0 },
      ...reports.map(({ checked }) => checked),
    ) as CheckReport['checked'],
    findings: reports.flatMap(({ findings }) => findings),
  }
}

const CURE = 'stop all containers, then `sqlite3 state.db .recover`, or put back a copy'
const MOST_LINES = 20

function checkDatabase(database: Database): readonly Finding[] {
  const integrity = database
    .prepare(`PRAGMA integrity_check(${MOST_LINES})`)
    .all()
    .map((row) => String(row['integrity_check']))
    .filter((line) => line !== 'ok')
  const foreign = database
    .prepare('PRAGMA foreign_key_check')
    .all()
    .slice(0, MOST_LINES)
    .map(({ table, rowid, parent }) => `row ${rowid} of ${table} refers to nothing in ${parent}`)
  return [...integrity, ...foreign].map((problem) => ({
    kind: 'database',
    subject: 'state.db',
    problem: `${problem}; ${CURE}`,
    repair: undefined,
    repaired: false,
  }))
}
