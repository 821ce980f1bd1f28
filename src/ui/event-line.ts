/** One event as docker prints it: `2024-05-06T07:08:09.123000000+02:00 container start <id> (image=busybox, name=web)`. */

export interface PrintedEvent {
  readonly type: string
  readonly action: string
  readonly id: string
  readonly attributes: Readonly<Record<string, string>>
  readonly timeNs: bigint
}

export function eventLine(event: PrintedEvent): string {
  const { type, action, id, attributes, timeNs } = event
  const pairs = Object.entries(attributes)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
  const line = `${localTime(timeNs)} ${type} ${action} ${id}${pairs.length === 0 ? '' : ` (${pairs.join(', ')})`}`
  // A label with line breaks in it must not pass for another event.
  return line.replaceAll('\n', '\\n').replaceAll('\r', '\\r')
}

/** The Engine API's document, and the fields of `--format`. */
export function eventDocument({ type, action, id, attributes, timeNs }: PrintedEvent): object {
  return {
    ...(type === 'container' && { status: action, id, from: attributes['image'] ?? '' }),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: 'local',
    time: Number(timeNs / 1_000_000_000n),
    timeNano: Number(timeNs),
  }
}

/** RFC 3339 in the user's time zone, with nine digits. */
function localTime(timeNs: bigint): string {
  const date = new Date(Number(timeNs / 1_000_000n))
  const offset = -date.getTimezoneOffset()
  const two = (value: number) => String(Math.abs(value)).padStart(2, '0')
  const shifted = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19)
  const zone = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.trunc(offset / 60))}:${two(offset % 60)}`
  return `${shifted}.${(timeNs % 1_000_000_000n).toString().padStart(9, '0')}${zone}`
}
