/** A name that the container's resolver is asked about. It answers granted names only, as it does for any container. */
import { lookup } from 'node:dns/promises'
import { openChange, SocketError } from './connection.ts'
import { READY } from './protocol.ts'

export interface NameQuestion {
  readonly kind: 'question'
  /** @throws {SocketError} EAGAIN there is no answer yet; why there is none */
  answer(): readonly string[]
  look(): { readonly ready: number; readonly bytes: number }
  changed(): Promise<void>
  close(): void
}

/** Node has four threads for them, and cannot call one off. */
const MAX_ASKED = 64
let asked = 0

/** @throws {SocketError} EAI_AGAIN too many are on their way */
export function askForName(name: string, onChange: () => void): NameQuestion {
  if (asked >= MAX_ASKED) throw new SocketError('EAI_AGAIN')
  const change = openChange(onChange)
  let found: readonly string[] | undefined
  let failure: string | undefined
  asked += 1
  const settle = () => {
    asked -= 1
    change.tell()
  }
  lookup(name, { all: true, order: 'verbatim' })
    .then(
      (addresses) => {
        found = addresses.map(({ address }) => address)
      },
      ({ code = 'EAI_FAIL' }: NodeJS.ErrnoException) => {
        failure = code
      },
    )
    .then(settle, settle)
  return {
    kind: 'question',
    answer: () => {
      if (failure !== undefined) throw new SocketError(failure)
      if (found === undefined) throw new SocketError('EAGAIN')
      return found
    },
    look: () => ({ ready: found === undefined && failure === undefined ? 0 : READY.readable, bytes: 0 }),
    changed: change.next,
    close: () => {},
  }
}
