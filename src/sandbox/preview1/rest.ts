/**
 * How `poll_oneoff` waits between two looks. Node waits for descriptors in its event loop only, and that stands still while the
 * module runs: another thread does it, once it pays to start one, and counts what changes.
 */
import { pauseNs } from './clocks.ts'
import type { Context } from './context.ts'
import type { Changes, OpenFile } from './files.ts'

const SHORTEST_PAUSE_NS = 1_000_000n
const LONGEST_PAUSE_NS = 10_000_000n
/** A thread takes as long to start as some hundred looks, and most that wait are told soon. */
const PAUSES_BEFORE_WATCH = 16

let pauses = 0

export interface Waited {
  /** Of a clock: when, counted from the beginning of the wait. */
  readonly dueNs?: bigint
  /** Of a descriptor. */
  readonly open?: OpenFile
  /** Of what can be waited for by itself, without a time limit. */
  readonly block?: (() => void) | undefined
}

interface Rest {
  /** Before each look: nothing that happens after it goes unseen. */
  begin(): void
  /** After a look that has found nothing. @returns when it is time for the next one */
  take(elapsedNs: bigint): void
}

export function openRest({ clocks }: Context, all: readonly Waited[]): Rest {
  const files = all.filter(({ dueNs }) => dueNs === undefined)
  const first = all.flatMap(({ dueNs }) => dueNs ?? []).toSorted((a, b) => (a < b ? -1 : 1))[0]
  const [only] = files
  if (first === undefined && files.length === 1 && only?.block !== undefined)
    return { begin: () => {}, take: only.block }
  const changes = (): Changes | undefined => files.find(({ open }) => open?.changes !== undefined)?.open?.changes
  const allTell = () => files.every(({ open }) => open?.changes !== undefined)
  let seen = 0
  let pause = SHORTEST_PAUSE_NS
  const rest = (left: bigint | undefined) => {
    const shortest = left === undefined || (files.length > 0 && pause < left) ? pause : left
    // A clock that does not go on by itself is put forward by the pause.
    if (left === undefined) pauseNs(shortest)
    else clocks.sleep(shortest)
    if (pause < LONGEST_PAUSE_NS) pause *= 2n
    if (++pauses >= PAUSES_BEFORE_WATCH) for (const { open } of files) open?.watch?.()
  }
  return {
    begin: () => {
      seen = changes()?.changes() ?? 0
    },
    take: (elapsed) => {
      const left = first === undefined ? undefined : first - elapsed
      const told = clocks.virtual && left !== undefined ? undefined : changes()
      if (told === undefined || !allTell()) rest(left)
      else told.waitForChange(seen, left === undefined ? Number.POSITIVE_INFINITY : Number(left) / 1e6)
    },
  }
}
