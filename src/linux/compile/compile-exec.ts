/** One more process inside a running container: into its namespaces and groups, then as the first one was made. */
import { existsSync } from 'node:fs'
import type { LaunchPlan, ProcessSpec, RunningContainer } from '../../plugins/contract.ts'
import { containerGroups } from '../cgroups/groups.ts'
import type { ChildStep, HostStep, NamespaceKind } from '../plan.ts'
import type { CompileOptions } from './compile-plan.ts'
import { processTail } from './process.ts'

/** The mount namespace last: its files of /proc are the ones that name the others. */
const ENTERED: readonly (readonly [kind: NamespaceKind, file: string])[] = [
  ['user', 'user'],
  ['ipc', 'ipc'],
  ['uts', 'uts'],
  ['network', 'net'],
  ['cgroup', 'cgroup'],
  ['mount', 'mnt'],
]

export function compileExecPlan(
  { pid, spec, id }: RunningContainer,
  process: ProcessSpec,
  options: Pick<CompileOptions, 'seccomp' | 'mapHelpers'>,
): LaunchPlan {
  const own = new Set((spec.linux?.namespaces ?? []).map(({ type }) => type))
  // An ordinary user's container has a group only where groups are delegated.
  const groups = containerGroups(spec.linux?.cgroupsPath ?? `/coracle/${id}`).filter(({ path }) => existsSync(path))
  return {
    namespaces: [],
    before: own.has('pid') ? [{ do: 'pid-namespace', path: `/proc/${pid}/ns/pid` }] : [],
    after: groups.map(({ path }): HostStep => ({ do: 'join-cgroup', path })),
    child: [
      ...ENTERED.filter(([kind]) => own.has(kind)).map(
        ([kind, file]): ChildStep => ({ do: 'enter', kind, path: `/proc/${pid}/ns/${file}` }),
      ),
      ...processTail({ ...spec, process }, { ...options, id, init: false, readOnlyRoot: false }),
    ],
  }
}
