/** How a container is stopped when nobody says otherwise, and when that happens by itself. */
import type { Deadline } from '../linux/supervisor.ts'
import type { ContainerConfig } from './config.ts'
import { parseSignal } from './parse/signals.ts'
import type { StoredSettings } from './records.ts'

const DEFAULT_GRACE_SECONDS = 10

/** Of a run that took longer than it may: what timeout(1) says. */
export const DEADLINE_STATUS = 124

/** A negative grace: it is never killed. */
export function howToStop({ StopSignal = 'SIGTERM', StopTimeout = DEFAULT_GRACE_SECONDS }: ContainerConfig) {
  return { signal: parseSignal(StopSignal), graceSeconds: StopTimeout }
}

/** Its supervisor keeps it: whoever started the container need not live then. */
export function deadlineOf({ config, host }: StoredSettings): { readonly deadline?: Deadline } {
  const { TimeoutMs } = host
  if (TimeoutMs === undefined) return {}
  const { signal, graceSeconds } = howToStop(config)
  return { deadline: { limitMs: TimeoutMs, graceMs: graceSeconds < 0 ? -1 : graceSeconds * 1000, signal } }
}
