/** How docker tells people about times and states of containers. */

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]
/** From how many of a unit on docker uses it: 100 seconds are `About a minute`, 13 days are `13 days`. */
const FROM: Readonly<Record<string, number>> = { year: 2, month: 2, week: 2, day: 2, hour: 1, minute: 1 }

/** go-units' HumanDuration: `Less than a second`, `5 seconds`, `About a minute`, `3 hours`, `2 weeks`. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  for (const [name, size] of UNITS) {
    const count = Math.floor(seconds / size)
    if (count < (FROM[name] ?? 1)) continue
    if (count === 1) return name === 'hour' ? 'About an hour' : 'About a minute'
    return `${count} ${name}s`
  }
  return `${seconds} seconds`
}

export interface StatusInput {
  readonly state: string
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly exitStatus: number | undefined
}

/** The STATUS column of `ps`. */
export function containerStatus(container: StatusInput, nowMs: number): string {
  const { state, startedAtMs = nowMs, finishedAtMs = nowMs, exitStatus } = container
  switch (state) {
    case 'running':
    case 'stopping':
      return `Up ${humanDuration(nowMs - startedAtMs)}`
    case 'paused':
      return `Up ${humanDuration(nowMs - startedAtMs)} (Paused)`
    case 'exited':
      return `Exited (${exitStatus ?? -1}) ${humanDuration(nowMs - finishedAtMs)} ago`
    case 'removing':
      return 'Removal In Progress'
    default:
      return 'Created'
  }
}
