/** Steps against a path, all ways at once: the time is that of one way times the number of steps. */
import type { Step } from './steps.ts'

/**
 * Does the whole path match? A state is twice the number of the step that comes next; one more stands for the middle of
 * directories, which only a slash leads out of.
 */
export function matchSteps(steps: readonly Step[], path: string): boolean {
  let reached = new Uint8Array(2 * steps.length + 1)
  enter(steps, reached, 0)
  for (const character of path) {
    const next = new Uint8Array(reached.length)
    for (const [index, step] of steps.entries()) {
      const isBefore = reached[2 * index] === 1
      if (isBefore || reached[2 * index + 1] === 1) take(steps, next, { index, step, character })
    }
    reached = next
  }
  return reached[2 * steps.length] === 1
}

/** Steps over nothing are taken at once. */
function enter(steps: readonly Step[], reached: Uint8Array, index: number): void {
  for (let at = index; reached[2 * at] !== 1; at += 1) {
    reached[2 * at] = 1
    if (at === steps.length || steps[at]?.kind === 'one') return
  }
}

function take(
  steps: readonly Step[],
  next: Uint8Array,
  { index, step, character }: { readonly index: number; readonly step: Step; readonly character: string },
): void {
  if (!step.accepts(character)) return
  if (step.kind === 'one') enter(steps, next, index + 1)
  else if (step.kind === 'many') enter(steps, next, index)
  else {
    next[2 * index + 1] = 1
    if (character === '/') enter(steps, next, index + 1)
  }
}
