/** What a supervisor needs to know to have its container probed. */

import { callBack } from '../../linux/call-back.ts'
import type { ProbeTimer } from '../../linux/supervisor.ts'
import type { Paths } from '../../paths.ts'
import type { ContainerRecord, Health } from '../records.ts'
import { healthRules, INITIAL } from './state.ts'

type Checked = Pick<ContainerRecord, 'id' | 'settings'>

/** Nothing where there is no check. */
export function probeTimer(paths: Paths, { id, settings }: Checked): { readonly probe?: ProbeTimer } {
  const rules = healthRules(settings.config)
  if (rules === undefined) return {}
  const { intervalMs, startIntervalMs, startPeriodMs } = rules
  const firstMs = startPeriodMs > 0 ? startIntervalMs : intervalMs
  return { probe: { firstMs, intervalMs, startIntervalMs, ...callBack(paths, ['probe', id]) } }
}

export function initialHealth({ config }: ContainerRecord['settings']): Health | undefined {
  return healthRules(config) === undefined ? undefined : INITIAL
}
