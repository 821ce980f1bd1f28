/** What `stop` and `restart` share. */
import * as Flags from '@oclif/core/flags'
import { wholeNumber } from './numbers.ts'

export const stopFlags = {
  signal: Flags.string({ char: 's', description: 'Signal to send to the container' }),
  time: Flags.string({
    char: 't',
    aliases: ['timeout'],
    description: 'Seconds to wait before killing the container (-1: as long as it takes)',
  }),
}

/** @throws {UsageError} seconds that are no number */
export function stopOptions({
  signal,
  time,
}: {
  readonly signal?: string | undefined
  readonly time?: string | undefined
}) {
  return { signal, timeoutSeconds: wholeNumber(time, '-t, --time') }
}
