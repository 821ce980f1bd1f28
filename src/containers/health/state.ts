/** What a probe's result makes of a container's health: docker's rules, without any I/O. */
import type { ContainerConfig } from '../config.ts'
import type { Health, Probe } from '../records.ts'

const NS_PER_MS = 1_000_000
const KEPT_PROBES = 5

/** docker's defaults applied; times in milliseconds. */
export interface HealthRules {
  /** The command of the test: a program and its arguments. */
  readonly command: readonly string[]
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly startPeriodMs: number
  readonly startIntervalMs: number
  readonly retries: number
}

/** undefined: there is no check, or it is switched off. */
export function healthRules({
  Healthcheck: check,
  Shell: shell = ['/bin/sh', '-c'],
}: Pick<ContainerConfig, 'Healthcheck' | 'Shell'>): HealthRules | undefined {
  const [kind, ...words] = check?.Test ?? []
  const command = kind === 'CMD-SHELL' ? [...shell, ...words] : kind === 'CMD' ? words : []
  if (check === undefined || command.length === 0) return undefined
  const ms = (value: number | undefined, usual: number) => (value ? Math.max(1, Math.round(value / NS_PER_MS)) : usual)
  return {
    command,
    intervalMs: ms(check.Interval, 30_000),
    timeoutMs: ms(check.Timeout, 30_000),
    startPeriodMs: ms(check.StartPeriod, 0),
    startIntervalMs: ms(check.StartInterval, 5_000),
    retries: check.Retries ? check.Retries : 3,
  }
}

/** Of a container that has just been started. */
export const INITIAL: Health = { Status: 'starting', FailingStreak: 0, Log: [] }

/**
 * A success is healthy at once, and ends the start period. Failures count from the end of the start period on, and
 * as many in a row as there are retries are unhealthy.
 *
 * @param sinceStartMs - from the container's start to the probe's
 */
export function afterProbe(
  health: Health,
  probe: Probe,
  {
    rules,
    sinceStartMs,
  }: { readonly rules: Pick<HealthRules, 'retries' | 'startPeriodMs'>; readonly sinceStartMs: number },
): Health {
  const Log = [...health.Log, probe].slice(-KEPT_PROBES)
  if (probe.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log }
  if (health.Status === 'starting' && sinceStartMs < rules.startPeriodMs) return { ...health, Log }
  const FailingStreak = health.FailingStreak + 1
  return { Status: FailingStreak >= rules.retries ? 'unhealthy' : health.Status, FailingStreak, Log }
}

/** While it is starting, probes come more often. */
export function isStarting(
  health: Health,
  { rules, sinceStartMs }: { readonly rules: Pick<HealthRules, 'startPeriodMs'>; readonly sinceStartMs: number },
): boolean {
  return health.Status === 'starting' && sinceStartMs < rules.startPeriodMs
}
