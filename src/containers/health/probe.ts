/** One probe, called by the supervisor's timer: test, record, act. */
import { transaction } from '../../state/database.ts'
import { insertContainerEvent } from '../events.ts'
import { type ContainerRecord, changeRecord, type Probe, readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { actOnFailure } from './action.ts'
import { runTest } from './run-test.ts'
import { afterProbe, type HealthRules, healthRules, INITIAL, isStarting } from './state.ts'

/** What the supervisor is to do next. */
export type NextProbe = 'usual' | 'soon' | 'never'

/** See `ContainerEngine.probe`. A container that does not run, or stands still, is not tested. */
export async function probeContainer(room: ContainerRoom, id: string): Promise<NextProbe> {
  const record = readRecord(room.database, id)
  const rules = record && healthRules(record.settings.config)
  if (record === undefined || rules === undefined) return 'never'
  if (record.state !== 'running') return 'usual'
  const sinceStartMs = Date.now() - (record.startedAtMs ?? 0)
  const probe = await runTest(room, id, rules)
  const after = store(room, record, { probe, rules, sinceStartMs })
  if (after === undefined) return 'never'
  if (after.turned && after.health.Status === 'unhealthy') await actOnFailure(room, record)
  return isStarting(after.health, { rules, sinceStartMs }) ? 'soon' : 'usual'
}

/** @returns undefined when the container has ended, or runs anew: this result is about the past */
function store(
  { database }: ContainerRoom,
  { id, supervisor }: ContainerRecord,
  result: { readonly probe: Probe; readonly rules: HealthRules; readonly sinceStartMs: number },
) {
  return transaction(database, () => {
    const now = readRecord(database, id)
    const same = now?.supervisor?.pid === supervisor?.pid && now?.supervisor?.startTime === supervisor?.startTime
    if (now === undefined || !same || now.process === undefined) return undefined
    const before = now.health ?? INITIAL
    const health = afterProbe(before, result.probe, result)
    changeRecord(database, id, { health })
    const turned = health.Status !== before.Status
    if (turned) insertContainerEvent(database, id, `health_status: ${health.Status}`)
    return { health, turned }
  })
}
