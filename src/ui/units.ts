/** Sizes and times in docker's words (docker/go-units). */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const

/** `4.26MB`: base 1000, four significant digits. */
export function humanSize(bytes: number, digits = 4): string {
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000
  return `${Number(value.toPrecision(digits))}${UNITS[unit]}`
}

const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const

/** `4.262MiB`: base 1024, four significant digits, as docker shows memory. */
export function binarySize(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < BINARY_UNITS.length - 1; unit++) value /= 1024
  return `${Number(value.toPrecision(4))}${BINARY_UNITS[unit]}`
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** `About an hour`, `3 weeks`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / SECOND)
  const minutes = Math.floor(milliseconds / MINUTE)
  const hours = Math.floor(milliseconds / HOUR + 0.5)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  const days = Math.floor(hours / 24)
  if (days < 14) return `${days} days`
  if (days < 60) return `${Math.floor(days / 7)} weeks`
  if (days < 730) return `${Math.floor(days / 30)} months`
  return `${Math.floor(milliseconds / HOUR / 24 / 365)} years`
}

/** `3 minutes ago`; `N/A` for images that hide when they were made. */
export function humanAge(sinceMs: number, nowMs: number = Date.now()): string {
  return sinceMs <= 0 ? 'N/A' : `${humanDuration(nowMs - sinceMs)} ago`
}

/** `2024-05-06 07:08:09 +0000 UTC`, as Go prints times. */
export function goTime(timeMs: number): string {
  return timeMs <= 0 ? 'N/A' : `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`
}

/** `2024-05-06T07:08:09.123456789Z`, always with nine digits, as `logs -t` shows it. */
export function nanoTime(timeNs: bigint): string {
  const second = timeNs / 1_000_000_000n
  const rest = timeNs % 1_000_000_000n
  return `${new Date(Number(second) * 1000).toISOString().slice(0, 19)}.${rest.toString().padStart(9, '0')}Z`
}
