/** Moments as users write them in `--since`, `--until` and filters. */
import { InvalidArgument } from '../errors.ts'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * A moment: a Go duration before now (`1h30m`), RFC 3339, a date, or seconds since the epoch.
 *
 * @param name - of the flag or filter, for the error
 * @returns milliseconds since the epoch
 * @throws {InvalidArgument}
 */
export function parseMoment(text: string, name: string, nowMs: number = Date.now()): number {
  if (/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)
    return nowMs - parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0), 0)
  }
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000
  const moment = Date.parse(text)
  if (!Number.isNaN(moment) && /^\d{4}-\d\d-\d\d/.test(text)) return moment
  throw new InvalidArgument(`invalid value for "${name}": ${JSON.stringify(text)}`, {
    hint: 'write a duration such as 24h, or a time such as 2026-01-31T12:00:00Z',
  })
}
