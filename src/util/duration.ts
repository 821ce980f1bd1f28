/** Durations as Go writes and reads them: `1h30m`, `1.5s`, `300ms`. */

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

const WHOLE = /^([+-]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+)$/
const PART = /(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g

/** Nanoseconds; `0` needs no unit. undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0
  const match = WHOLE.exec(text)
  if (match === null) return undefined
  const sum = [...(match[2] ?? '').matchAll(PART)].reduce(
    (total, [, count, unit]) => total + Number(count) * (UNIT_NS[unit ?? ''] ?? 0),
    0,
  )
  return Math.round(match[1] === '-' ? -sum : sum)
}
