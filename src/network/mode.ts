/** `--network`: what exists without networks of one's own. */
import { InvalidArgument } from '../errors.ts'

export type NetworkMode = 'none' | 'host' | `container:${string}`

/**
 * Not given means `none`: a network namespace with nothing but loopback.
 *
 * @throws {InvalidArgument} a network that cannot exist yet
 */
export function parseNetworkMode(text: string | undefined): NetworkMode {
  if (text === undefined || text === '' || text === 'none') return 'none'
  if (text === 'host') return 'host'
  const container = /^container:(.+)$/.exec(text)?.[1]
  if (container !== undefined) return `container:${container}`
  if (text === 'container:') throw new InvalidArgument('invalid container format container:<name|id>')
  throw new InvalidArgument(`network ${text} not found`, {
    hint: 'networks of this version: none (loopback only, the default), host, container:NAME',
  })
}
