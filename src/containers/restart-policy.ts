/** `--restart`: whether a container that has ended comes back, when, and who sees to it. */
import { callBack } from '../linux/call-back.ts'
import { callLater } from '../linux/call-later.ts'
import { nativeProgram } from '../package-root.ts'
import { isAlive, type ProcessIdentity } from '../util/process-identity.ts'
import type { RestartPolicy } from './config.ts'
import { RestarterLost } from './errors.ts'
import type { ContainerRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 60_000
/** Whoever ran as long has recovered: the pauses start over. */
const RECOVERED_MS = 10_000

export interface Ended {
  readonly policy: RestartPolicy
  readonly stoppedByUser: boolean
  readonly restartCount: number
  readonly restartDelayMs: number
  /** How long it ran; a clock that jumped back counts as not at all. */
  readonly ranMs: number
  /** -1: unknown, and not a success */
  readonly exitStatus: number
}

/** The next restart by docker's rules: pauses of 100 ms that double up to a minute. undefined: it stays as it is. */
export function nextRestart(ended: Ended): { readonly delayMs: number; readonly count: number } | undefined {
  const { policy, stoppedByUser, restartCount, restartDelayMs, ranMs, exitStatus } = ended
  if (stoppedByUser || policy.Name === 'no') return undefined
  if (policy.Name === 'on-failure') {
    if (exitStatus === 0) return undefined
    if (policy.MaximumRetryCount > 0 && restartCount >= policy.MaximumRetryCount) return undefined
  }
  const fresh = restartDelayMs === 0 || ranMs >= RECOVERED_MS
  const delayMs = fresh ? FIRST_DELAY_MS : Math.min(restartDelayMs * 2, LONGEST_DELAY_MS)
  return { delayMs, count: restartCount + 1 }
}

/** A process of some 400 KB that waits and then becomes `coracle internal restart`. It outlives this one. */
export function spawnRestarter(room: Pick<ContainerRoom, 'paths'>, id: string, delayMs: number): ProcessIdentity {
  const identity = callLater(callBack(room.paths, ['restart', id]), delayMs)
  if (identity === undefined) throw new RestarterLost(nativeProgram)
  return identity
}

/** A container that is started or ended by hand waits no longer. */
export function stopRestarter({ owner }: ContainerRecord): void {
  if (owner !== undefined && owner.pid !== process.pid && isAlive(owner)) process.kill(owner.pid, 'SIGKILL')
}
