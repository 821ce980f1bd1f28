/** Skips, aloud, what only root can try. */
import type { Context } from 'mocha'

export function needsRoot(context: Context): void {
  if (process.geteuid?.() === 0) return
  console.log('skipped: this needs root')
  context.skip()
}
