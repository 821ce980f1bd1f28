/**
 * A container of tools beside another one: the plan of the former, changed so that it stands in the namespaces of the latter
 * and sees its files. The tools have a mount namespace of their own: nothing of the other container changes.
 */
import type { LaunchPlan, RunningContainer } from '../../plugins/contract.ts'
import type { ChildStep, NamespaceKind } from '../plan.ts'
import { ownKinds, targetStep } from './compile-exec.ts'

const SHARED: readonly NamespaceKind[] = ['user', 'ipc', 'uts', 'network', 'cgroup']

/** @param plan - of a container with no namespace but `mount` @param at - where the tools see the other's root */
export function besideRunning(plan: LaunchPlan, container: RunningContainer, at: string): LaunchPlan {
  const own = ownKinds(container)
  const kinds = SHARED.filter((kind) => own.has(kind))
  // As for `exec`: the pid namespace of a user namespace is for those inside, and holds for what they fork.
  const forks = own.has('user') && own.has('pid')
  return {
    namespaces: [],
    before: [targetStep(container), ...plan.before],
    after: plan.after.filter((step) => step.do !== 'map-ids'),
    child: [
      { do: 'enter-target', kinds: forks ? [...kinds, 'pid'] : kinds },
      ...(forks ? [{ do: 'init' } as const] : []),
      { do: 'unshare', kinds: ['mount'] },
      ...beforeLeaving(plan.child, [{ do: 'bind-target', target: at }]),
    ],
  }
}

export interface StoppedRoot {
  /** Host directory that the files are mounted at, in the tools' own mount namespace. */
  readonly mount: string
  /** What the container has written, and its layers, top-most first. */
  readonly lower: readonly string[]
  readonly options: readonly string[]
  /** Where the tools see them. */
  readonly at: string
}

/** The files of a container that does not run, without any place to write to. */
export function besideStopped(plan: LaunchPlan, { mount, lower, options, at }: StoppedRoot): LaunchPlan {
  const [only, ...others] = lower
  // An overlay wants two directories at least.
  const show: ChildStep =
    only !== undefined && others.length === 0
      ? { do: 'root-bind', at: mount, source: only }
      : { do: 'root-overlay', at: mount, lower, options }
  const bind: ChildStep = {
    do: 'bind',
    source: mount,
    target: at,
    recursive: true,
    flags: ['ro'],
    recursiveFlags: true,
    create: 'directory',
    optional: false,
  }
  const root = plan.child.findIndex(({ do: name }) => name === 'root-overlay' || name === 'root-bind')
  const child = [...plan.child.slice(0, root), show, ...plan.child.slice(root)]
  return { ...plan, child: beforeLeaving(child, [bind]) }
}

/** Of the host, and of namespaces, nothing is in reach once the root has moved. */
function beforeLeaving(child: readonly ChildStep[], steps: readonly ChildStep[]): ChildStep[] {
  const leave = child.findIndex(({ do: name }) => name === 'move-root')
  return [...child.slice(0, leave), ...steps, ...child.slice(leave)]
}
