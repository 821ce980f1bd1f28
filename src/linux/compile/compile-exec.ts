/** One more process inside a running container: into its namespaces and groups, then as the first one was made. */
import type { LaunchPlan, ProcessSpec, RunningContainer } from '../../plugins/contract.ts'
import { groupsOfProcess } from '../cgroups/members.ts'
import type { ChildStep, HostStep, NamespaceKind } from '../plan.ts'
import type { CompileOptions } from './options.ts'
import { oomSteps, processTail } from './process.ts'

const ENTERED: readonly NamespaceKind[] = ['user', 'ipc', 'uts', 'network', 'cgroup', 'mount']

export function compileExecPlan(
  container: RunningContainer,
  process: ProcessSpec,
  options: Pick<CompileOptions, 'seccomp' | 'mapHelpers'>,
): LaunchPlan {
  const { spec, id } = container
  return {
    namespaces: [],
    before: [targetStep(container)],
    after: [...joinSteps(container), ...oomSteps({ ...spec, process })],
    child: [
      ...enterSteps(container),
      ...processTail({ ...spec, process }, { ...options, id, init: false, readOnlyRoot: false, additional: true }),
    ],
  }
}

/** The kinds of namespaces that the container does not share with the host. */
export function ownKinds({ spec }: Pick<RunningContainer, 'spec'>): ReadonlySet<string> {
  return new Set((spec.linux?.namespaces ?? []).map(({ type }) => type))
}

/** A pid namespace is entered by the parent where it may: then nobody stands between it and the process. */
export function targetStep(container: RunningContainer): HostStep {
  const own = ownKinds(container)
  return {
    do: 'target',
    pid: container.pid,
    startTime: container.startTime,
    pidNamespace: own.has('pid') && !own.has('user'),
  }
}

function enterSteps(container: RunningContainer): ChildStep[] {
  const own = ownKinds(container)
  const kinds = ENTERED.filter((kind) => own.has(kind))
  // Of a user namespace's pid namespace only who is in the former may take the latter; then it holds for children.
  if (!own.has('user') || !own.has('pid')) return [{ do: 'enter-target', kinds }]
  return [{ do: 'enter-target', kinds: [...kinds, 'pid'] }, { do: 'init' }]
}

/** An ordinary user's container has a group only where groups are delegated. */
export function joinSteps({ spec, id, pid }: RunningContainer): HostStep[] {
  const paths = groupsOfProcess(pid, spec.linux?.cgroupsPath ?? `/coracle/${id}`)
  return paths.map((path) => ({ do: 'join-cgroup', path }))
}
