/** `--health-*` and `--no-healthcheck`. */
import { InvalidArgument } from '../../errors.ts'
import { parseDuration } from '../../util/duration.ts'
import type { HealthAction, HealthConfig } from '../config.ts'
import type { RunFlags } from '../types.ts'
import { parseInteger } from './values.ts'

const SETTINGS = {
  'health-interval': 'Interval',
  'health-timeout': 'Timeout',
  'health-start-period': 'StartPeriod',
  'health-start-interval': 'StartInterval',
} as const

const MIN_NS = 1_000_000

/** undefined: nothing was said, the image's check stays. @throws {InvalidArgument} in docker's words */
export function parseHealth(flags: RunFlags): HealthConfig | undefined {
  const named = Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]
  const given = named.filter((flag) => flags[flag] !== undefined)
  const command = flags['health-cmd']
  const retries = flags['health-retries']
  const any = given.length > 0 || command !== undefined || retries !== undefined
  if (flags['no-healthcheck']) {
    if (any) throw new InvalidArgument('--no-healthcheck conflicts with --health-* options')
    return { Test: ['NONE'] }
  }
  if (!any) return undefined
  return {
    ...(command !== undefined && command !== '' && { Test: ['CMD-SHELL', command] }),
    ...Object.fromEntries(given.map((flag) => [SETTINGS[flag], parseTime(flags[flag] ?? '', flag)])),
    ...(retries !== undefined && { Retries: parseRetries(retries) }),
  }
}

/** Nanoseconds. */
function parseTime(text: string, flag: string): number {
  const ns = parseDuration(text)
  if (ns === undefined)
    throw new InvalidArgument(
      `invalid argument ${JSON.stringify(text)} for "--${flag}" flag: time: invalid duration ${JSON.stringify(text)}`,
    )
  if (ns < 0) throw new InvalidArgument(`--${flag} cannot be negative`)
  if (ns !== 0 && ns < MIN_NS) throw new InvalidArgument(`--${flag} cannot be less than 1ms`)
  return ns
}

function parseRetries(text: string): number {
  const retries = parseInteger(text, 'health-retries')
  if (retries < 0) throw new InvalidArgument('--health-retries cannot be negative')
  return retries
}

const ACTIONS: readonly HealthAction[] = ['none', 'kill', 'stop', 'restart']

/** @throws {InvalidArgument} */
export function parseHealthAction(text = 'none'): HealthAction {
  const action = ACTIONS.find((known) => known === text)
  if (action === undefined)
    throw new InvalidArgument(`invalid on-failure action "${text}" for health check`, {
      hint: `supported actions are ${ACTIONS.join(', ')}`,
    })
  return action
}
