/** Control groups named after containers that do not exist. */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CheckOptions, type Finding, mendable } from '../../state/findings.ts'
import { namesIn } from '../../util/names-in.ts'
import { destroyGroups, isRootless } from '../host.ts'
import { readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { cgroupsPath } from '../spec/runtime-spec.ts'
import { isYoung } from './files.ts'

const SECOND_LOOK_MS = 200

/** Those with processes are some other installation's: another data root shares this host's control groups. */
export async function findGroupsOfNobody(room: ContainerRoom, options: CheckOptions): Promise<readonly Finding[]> {
  if (isRootless()) return []
  const { containerGroups } = await import('../../linux/cgroups/groups.ts')
  const names = containerGroups('/coracle').flatMap(({ path }) => namesIn(path))
  const ids = new Set(names.filter((name) => /^[0-9a-f]{64}$/.test(name)))
  const findings: Finding[] = []
  for (const id of ids) {
    if (readRecord(room.database, id) !== undefined) continue
    const path = cgroupsPath(id, '')
    const groups = containerGroups(path).map((group) => group.path)
    if (groups.some((group) => existsSync(group) && isYoung(group)) || (await isUsed(groups))) continue
    const finding = {
      kind: 'orphaned-files' as const,
      subject: path,
      problem: `no container has control group ${basename(path).slice(0, 12)}, and no process is in it`,
      repair: 'removed',
    }
    findings.push(
      await mendable(options, finding, async () => {
        await destroyGroups(path)
        return true
      }),
    )
  }
  return findings
}

/** Somebody's container may be about to move into it. */
async function isUsed(groups: readonly string[]): Promise<boolean> {
  const { membersBelow } = await import('../../linux/cgroups/members.ts')
  const hasProcesses = () => groups.some((group) => membersBelow(group).length > 0)
  if (hasProcesses()) return true
  await sleep(SECOND_LOOK_MS)
  return !groups.some((group) => existsSync(group)) || hasProcesses()
}
