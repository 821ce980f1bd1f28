/** docker's word for a state. */
import type { ContainerState } from './lifecycle.ts'

const WORDS: Readonly<Record<ContainerState, string>> = {
  created: 'created',
  starting: 'created',
  running: 'running',
  paused: 'paused',
  stopping: 'running',
  restarting: 'restarting',
  exited: 'exited',
  removing: 'removing',
}

export function summaryStatus(state: ContainerState): string {
  return WORDS[state]
}
