/** One copy between the host and a container. */
import type { RunIO } from '../types.ts'

/** What a half of the work is asked for. */
export interface Copying {
  readonly container: string
  /** Inside, absolute. */
  readonly inside: string
  /** On the host; `-` is a tar stream. */
  readonly outside: string
  readonly archive: boolean
  readonly followLink: boolean
  readonly io: RunIO
  readonly signal: AbortSignal | undefined
  /** Told of what has been copied, as the bytes of a tar archive. */
  readonly onBytes: (count: number) => void
}
