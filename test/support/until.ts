/** Waiting for what comes by itself. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 25

/** Looks until it holds; fails after ten seconds of looking, with what `say` has to tell then. */
export async function until(what: string, holds: () => boolean, say: () => string = () => ''): Promise<void> {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += PAUSE_MS) {
    if (holds()) return
    await sleep(PAUSE_MS)
  }
  assert.fail(`it never came to this: ${what}; ${say()}`)
}
