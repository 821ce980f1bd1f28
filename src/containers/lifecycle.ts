/** The life cycle of a container: which state may follow which. Everything that changes a state asks this table. */

export type ContainerState =
  | 'created'
  | 'starting'
  | 'running'
  | 'paused'
  | 'stopping'
  | 'restarting'
  | 'exited'
  | 'removing'

/**
 * A row in `removing` is deleted next; nothing brings it back. A start that fails goes back to `created`, as in docker.
 * `restarting` has ended and waits for its next start. A stop that was cut short leaves what runs running.
 */
export const TRANSITIONS: Readonly<Record<ContainerState, readonly ContainerState[]>> = {
  created: ['starting', 'removing'],
  starting: ['running', 'exited', 'restarting', 'created'],
  running: ['paused', 'stopping', 'restarting', 'exited'],
  paused: ['running', 'stopping', 'restarting', 'exited'],
  stopping: ['running', 'paused', 'exited'],
  restarting: ['starting', 'exited', 'removing'],
  exited: ['starting', 'removing'],
  removing: [],
}

const STATES = Object.keys(TRANSITIONS) as ContainerState[]

/** The states from which `to` may be reached in one step. */
export function statesBefore(to: ContainerState): readonly ContainerState[] {
  return STATES.filter((from) => TRANSITIONS[from].includes(to))
}

/** A process of the container may exist. */
export function isActive(state: ContainerState): boolean {
  return state === 'starting' || state === 'running' || state === 'paused' || state === 'stopping'
}
