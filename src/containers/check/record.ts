/** One record against the world it speaks of. */
import { existsSync } from 'node:fs'
import { containerDirectory, containerRunDirectory } from '../../paths.ts'
import { type CheckOptions, type Finding, mendable } from '../../state/findings.ts'
import { isAlive, type ProcessIdentity } from '../../util/process-identity.ts'
import { cleanUp } from '../finish.ts'
import { holding } from '../hold.ts'
import { isRootless } from '../host.ts'
import { isActive } from '../lifecycle.ts'
import { type ContainerRecord, readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { cgroupsPath } from '../spec/runtime-spec.ts'

export async function checkRecord(
  room: ContainerRoom,
  record: ContainerRecord,
  options: CheckOptions,
): Promise<readonly Finding[]> {
  if (lives(record.owner)) return []
  return isActive(record.state) ? checkActive(room, record) : checkEnded(room, record, options)
}

const unmended = { repair: undefined, repaired: false } as const

function checkActive({ database, paths }: ContainerRoom, record: ContainerRecord): Finding[] {
  const { id, name, state, process, supervisor } = record
  const findings: Finding[] = []
  const say = (kind: Finding['kind'], problem: string) => findings.push({ kind, subject: name, problem, ...unmended })
  if (!existsSync(containerDirectory(paths, id)))
    say('missing-files', `its directory is gone while it is ${state}; save what it holds, then: coracle rm -f ${name}`)
  if (!existsSync(containerRunDirectory(paths, id)))
    say('missing-files', `its sockets are gone, so nothing can attach to it until: coracle restart ${name}`)
  // A supervisor without its container is just about to record the end.
  if (!lives(process) && !lives(supervisor))
    say('stale-record', `it is ${state} on record, but its first process is gone; try: coracle ps`)
  // It ended while we looked.
  return readRecord(database, id)?.state === state && lives(process) === lives(readRecord(database, id)?.process)
    ? findings
    : []
}

/** Nothing may be left of its last run. */
async function checkEnded(
  room: ContainerRoom,
  record: ContainerRecord,
  options: CheckOptions,
): Promise<readonly Finding[]> {
  const { id, name, state, process, supervisor } = record
  const findings: Finding[] = []
  // One whose creation was cut short has none yet, and gets it when it starts.
  if (state === 'exited' && !existsSync(containerDirectory(room.paths, id)))
    findings.push({
      kind: 'missing-files',
      subject: name,
      problem: `its files and logs are gone; start it as new, or remove it: coracle rm ${name}`,
      ...unmended,
    })
  const left = await remainsOf(room, record)
  if (lives(process) || lives(supervisor)) left.push('processes')
  if (left.length === 0) return findings
  const problem = `it is ${state}, but there are still ${left.join(' and ')} of its last run`
  const finding = { kind: 'orphaned-files' as const, subject: name, problem, repair: 'removed' }
  findings.push(await mendable(options, finding, () => removeRemains(room, id)))
  return findings
}

function removeRemains(room: ContainerRoom, id: string): Promise<boolean> {
  return holding(room, id, async () => {
    const current = readRecord(room.database, id)
    if (current !== undefined && !isActive(current.state) && !lives(current.owner)) await cleanUp(room, current, false)
    return true
  })
}

async function remainsOf({ paths }: ContainerRoom, { id, settings }: ContainerRecord): Promise<string[]> {
  const left: string[] = []
  if (existsSync(containerRunDirectory(paths, id))) left.push('sockets')
  if (isRootless()) return left
  const { containerGroups } = await import('../../linux/cgroups/groups.ts')
  if (containerGroups(cgroupsPath(id, settings.host.CgroupParent)).some(({ path }) => existsSync(path)))
    left.push('control groups')
  return left
}

function lives(identity: ProcessIdentity | undefined): boolean {
  return identity !== undefined && isAlive(identity)
}
