/** `State` of docker's inspect. */
import { isActive } from '../lifecycle.ts'
import type { ContainerRecord } from '../records.ts'
import { summaryStatus } from '../status.ts'

/** Go's zero time: it has not happened. */
const NEVER = '0001-01-01T00:00:00Z'

/** RFC 3339 with nanoseconds, as Go prints it; milliseconds are all there is. */
export function timestamp(ms: number | undefined): string {
  if (ms === undefined) return NEVER
  return new Date(ms)
    .toISOString()
    .replace('Z', '000000Z')
    .replace(/\.?0+Z$/, 'Z')
}

/** docker counts what is paused, and what waits for its restart, as running. */
export function describeState(record: ContainerRecord): object {
  const { state, health } = record
  const running = (isActive(state) && state !== 'starting') || state === 'restarting'
  return {
    Status: summaryStatus(state),
    Running: running,
    Paused: state === 'paused',
    Restarting: state === 'restarting',
    OOMKilled: record.oomKilled,
    Dead: false,
    Pid: record.process?.pid ?? 0,
    ExitCode: record.exitStatus ?? 0,
    Error: record.error ?? '',
    StartedAt: timestamp(record.startedAtMs),
    FinishedAt: timestamp(record.finishedAtMs),
    ...(health !== undefined && { Health: health }),
  }
}
