/** `--restart no|always|unless-stopped|on-failure[:n]`. */
import { InvalidArgument } from '../../errors.ts'
import type { RestartPolicy } from '../config.ts'

const MAX_RETRIES = 1_000_000

/** @throws {InvalidArgument} in docker's words */
export function parseRestartPolicy(text = 'no'): RestartPolicy {
  const [name = '', count, ...more] = text.split(':')
  if (more.length > 0) throw new InvalidArgument(`invalid restart policy format: ${text}`)
  switch (name) {
    case '':
    case 'no':
    case 'always':
    case 'unless-stopped':
      if (count !== undefined)
        throw new InvalidArgument(
          'invalid restart policy: maximum retry count can only be used with the on-failure restart policy',
        )
      return { Name: name === '' ? 'no' : name, MaximumRetryCount: 0 }
    case 'on-failure':
      return { Name: name, MaximumRetryCount: parseCount(count ?? '0') }
    default:
      throw new InvalidArgument(
        `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      )
  }
}

function parseCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count <= MAX_RETRIES) return count
  throw new InvalidArgument('invalid restart policy format: maximum retry count must be an integer')
}
