/**
 * Node sets times in seconds as a double, which at today's dates is a step of 238 ns; a module that sets a time to the
 * nanosecond reads back another one. What was asked for is remembered beside what the kernel then showed, and holds for as
 * long as the kernel shows it.
 */
import type { BigIntStats } from 'node:fs'
import { Refusal } from './errno.ts'
import type { NewTime, NewTimes } from './files.ts'

interface Remembered {
  readonly asked: NewTimes
  readonly shown: { readonly accessedNs: bigint; readonly modifiedNs: bigint }
}

const remembered = new Map<string, Remembered>()
const MAX_REMEMBERED = 10_000

const key = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`

export function exactTimes(stats: BigIntStats): { accessedNs: bigint; modifiedNs: bigint } {
  const { atimeNs, mtimeNs } = stats
  const known = remembered.size === 0 ? undefined : remembered.get(key(stats))
  if (known === undefined) return { accessedNs: atimeNs, modifiedNs: mtimeNs }
  const { asked, shown } = known
  const pick = (wanted: NewTime, then: bigint, now: bigint) =>
    typeof wanted === 'bigint' && then === now ? wanted : now
  return {
    accessedNs: pick(asked.accessed, shown.accessedNs, atimeNs),
    modifiedNs: pick(asked.modified, shown.modifiedNs, mtimeNs),
  }
}

/** @param stats - before and after the times were set */
export function rememberTimes(asked: NewTimes, before: BigIntStats, after: BigIntStats): void {
  const old = exactTimes(before)
  const keep = (wanted: NewTime, was: bigint): NewTime => (wanted === 'keep' ? was : wanted)
  const all = { accessed: keep(asked.accessed, old.accessedNs), modified: keep(asked.modified, old.modifiedNs) }
  remembered.delete(key(after))
  remembered.set(key(after), { asked: all, shown: { accessedNs: after.atimeNs, modifiedNs: after.mtimeNs } })
  const oldest = remembered.size > MAX_REMEMBERED ? remembered.keys().next().value : undefined
  if (oldest !== undefined) remembered.delete(oldest)
}

const MAX_NS = (1n << 63n) - 1n

/** For `utimes`: a number of seconds, or a date that Node passes on as UTIME_OMIT. @throws {Refusal} EINVAL beyond the year 2262 */
export function hostTime(time: NewTime): number | Date {
  if (time === 'keep') return new Date(Number.NaN)
  if (time === 'now') return Date.now() / 1000
  if (time > MAX_NS) throw new Refusal('EINVAL')
  return Number(time / 1_000_000_000n) + Number(time % 1_000_000_000n) / 1e9
}
