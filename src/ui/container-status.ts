/** The STATUS column of `ps`. */
import { humanDuration } from './units.ts'

export interface StatusInput {
  readonly state: string
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly exitStatus: number | undefined
  readonly health?: string | undefined
}

/** `Up 3 minutes (healthy)`, `Exited (0) 2 hours ago`, in docker's words. */
export function containerStatus(container: StatusInput, nowMs: number): string {
  const { state, startedAtMs = nowMs, finishedAtMs = nowMs, exitStatus = -1, health } = container
  switch (state) {
    case 'running':
    case 'stopping':
      return `Up ${humanDuration(nowMs - startedAtMs)}${healthNote(health)}`
    case 'paused':
      return `Up ${humanDuration(nowMs - startedAtMs)} (Paused)`
    case 'restarting':
      return `Restarting (${exitStatus}) ${humanDuration(nowMs - finishedAtMs)} ago`
    case 'exited':
      return `Exited (${exitStatus}) ${humanDuration(nowMs - finishedAtMs)} ago`
    case 'removing':
      return 'Removal In Progress'
    default:
      return 'Created'
  }
}

function healthNote(health: string | undefined): string {
  if (health === undefined) return ''
  return health === 'starting' ? ' (health: starting)' : ` (${health})`
}
