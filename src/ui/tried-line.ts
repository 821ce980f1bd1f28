/** One line of `logs --net`. */
import type { Tried } from '../containers/types.ts'

/** `TIME name evil.example`, `TIME connect 192.0.2.1:443/tcp`. */
export function triedLine(tried: Tried): string {
  const { time, kind } = tried
  return `${time} ${kind} ${tried.kind === 'name' ? shownName(tried.name) : target(tried)}`
}

/** A question may hold any byte; whatever it holds, it stays one word of one line. */
function shownName(name: string): string {
  return /^[!-~]+$/.test(name) ? name : JSON.stringify(name)
}

function target({ address, port, protocol }: Tried & { readonly kind: 'connect' }): string {
  const host = address.includes(':') && port !== undefined ? `[${address}]` : address
  return port === undefined ? `${host}/${protocol}` : `${host}:${port}/${protocol}`
}
