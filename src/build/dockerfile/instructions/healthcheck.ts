/** HEALTHCHECK. */
import { parseDuration } from '../../../util/duration.ts'
import { DockerfileInvalid } from '../errors.ts'
import { parseFlags } from '../flags.ts'
import type { Healthcheck } from '../types.ts'
import { parseCommandLine, splitKeyword } from '../words.ts'
import { atLeastOne, type OwnOf, type Unread } from './context.ts'

const FLAGS = {
  interval: 'text',
  timeout: 'text',
  'start-period': 'text',
  'start-interval': 'text',
  retries: 'text',
} as const
const MILLISECOND_NS = 1e6
const MAX_RETRIES = 2 ** 31 - 1

export function parseHealthcheck(unread: Unread): OwnOf<'HEALTHCHECK'> {
  if (unread.rest === '') throw atLeastOne(unread.kind)
  const { keyword, rest } = splitKeyword(unread.rest)
  const type = keyword.toUpperCase()
  if (type === 'CMD') return { kind: 'HEALTHCHECK', check: parseCheck(rest, unread.flags) }
  if (type !== 'NONE')
    throw new DockerfileInvalid(`Unknown type ${JSON.stringify(type.slice(0, 80))} in HEALTHCHECK (try CMD)`, {
      near: keyword,
    })
  if (rest !== '') throw new DockerfileInvalid('HEALTHCHECK NONE takes no arguments', { near: rest })
  return { kind: 'HEALTHCHECK', check: 'none' }
}

function parseCheck(rest: string, words: readonly string[]): Healthcheck {
  const flags = parseFlags(words, FLAGS)
  const command = parseCommandLine(rest)
  if (command.form === 'exec' ? command.args.length === 0 : command.text === '')
    throw new DockerfileInvalid('Missing command after HEALTHCHECK CMD')
  return {
    command,
    interval: parseInterval('interval', flags.interval),
    timeout: parseInterval('timeout', flags.timeout),
    startPeriod: parseInterval('start-period', flags['start-period']),
    startInterval: parseInterval('start-interval', flags['start-interval']),
    retries: parseRetries(flags.retries),
  }
}

/** Nanoseconds. */
function parseInterval(name: keyof typeof FLAGS, text = '0'): number {
  const duration = text === '' ? 0 : parseDuration(text)
  if (duration === undefined || !Number.isSafeInteger(duration))
    throw new DockerfileInvalid(`invalid duration ${JSON.stringify(text.slice(0, 80))} for --${name}`, {
      near: text,
      hint: 'write it as 30s, 1m30s or 500ms',
    })
  if (duration !== 0 && duration < MILLISECOND_NS)
    throw new DockerfileInvalid(`Interval "${name}" cannot be less than 1ms`, { near: text })
  return duration
}

function parseRetries(text = '0'): number {
  if (/^-\d+$/.test(text)) throw new DockerfileInvalid(`--retries cannot be negative (${text})`, { near: text })
  const retries = /^\+?\d{1,10}$/.test(text) ? Number(text) : text === '' ? 0 : Number.NaN
  if (retries <= MAX_RETRIES) return retries
  throw new DockerfileInvalid(`invalid number ${JSON.stringify(text.slice(0, 80))} for --retries`, { near: text })
}
