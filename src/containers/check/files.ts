/** Directories of containers that are on no record. */
import { statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { containerDirectory, containerRunDirectory } from '../../paths.ts'
import { type CheckOptions, type Finding, mendable } from '../../state/findings.ts'
import { setAside } from '../../state/lost-and-found.ts'
import { namesIn } from '../../util/names-in.ts'
import { isAlive } from '../../util/process-identity.ts'
import { removeDirectories } from '../directories.ts'
import { readPidRecord } from '../pid-record.ts'
import { listRecords } from '../records.ts'
import type { ContainerRoom } from '../room.ts'

/** Whoever makes a directory may need a moment until it is on record, or, of a plan that is only printed, never is. */
export const GRACE_MS = 60_000

export async function checkFiles(room: ContainerRoom, options: CheckOptions): Promise<readonly Finding[]> {
  return [...(await checkData(room, options)), ...(await checkRun(room, options))]
}

async function checkData(room: ContainerRoom, options: CheckOptions): Promise<Finding[]> {
  const { paths, database } = room
  const names = namesIn(join(paths.root, 'containers'))
  const known = new Set(listRecords(database).map(({ id }) => id)) // after the list: records come first
  const findings: Finding[] = []
  for (const name of names) {
    const path = containerDirectory(paths, name)
    if (known.has(name) || isYoung(path)) continue
    const precious = isPrecious(path, name)
    const finding = {
      kind: 'orphaned-files' as const,
      subject: path,
      problem: `no container has this directory${precious ? '; it holds files or logs' : ''}`,
      repair: precious ? 'moved to lost+found' : 'removed',
    }
    findings.push(
      await mendable(options, finding, async () => {
        if (precious) return `moved to ${setAside(paths, path, `container-${name}`)}`
        await removeDirectories(paths, name)
        return true
      }),
    )
  }
  return findings
}

/** Without its name in the database nobody knows whether it matters; what a container wrote, or printed, may. */
function isPrecious(path: string, id: string): boolean {
  const expected = new Set(['config.json', 'exit', 'hostname', 'hosts', 'resolv.conf', 'rootfs', 'upper', 'work'])
  return namesIn(path).some((name) => {
    const inside = join(path, name)
    if (name === 'upper') return namesIn(inside).length > 0
    if (name.startsWith(`${id}-json.log`)) return sizeOf(inside) > 0
    return !expected.has(name)
  })
}

/** The id of a run directory is only half of one. Another data root may share the run directory: what lives is left alone. */
async function checkRun(room: ContainerRoom, options: CheckOptions): Promise<Finding[]> {
  const { paths, database } = room
  const directory = join(paths.run, 'c')
  const names = namesIn(directory)
  const known = new Set(listRecords(database).map(({ id }) => containerRunDirectory(paths, id)))
  const findings: Finding[] = []
  for (const name of names) {
    const path = join(directory, name)
    if (known.has(path) || isYoung(path)) continue
    const supervisor = readPidRecord(path)?.supervisor
    if (supervisor !== undefined && isAlive(supervisor)) continue
    const problem = 'no container has these sockets'
    const finding = { kind: 'orphaned-files' as const, subject: path, problem, repair: 'removed' }
    findings.push(
      await mendable(options, finding, async () => {
        await rm(path, { recursive: true, force: true })
        return true
      }),
    )
  }
  return findings
}

/** A clock that jumped back makes everything look as if it came from the future: that is not young. */
export function isYoung(path: string): boolean {
  try {
    const ageMs = Date.now() - statSync(path).ctimeMs
    return ageMs >= 0 && ageMs < GRACE_MS
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true // gone meanwhile
    throw error
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
