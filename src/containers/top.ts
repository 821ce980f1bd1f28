/** `top`: the processes of a container, as the host's `ps` shows them. */
import type { RunningContainer } from '../plugins/contract.ts'
import { openRunning } from './find.ts'
import type { ContainerRoom } from './room.ts'
import type { ProcessTable } from './types.ts'

/** See `ContainerEngine.top`. */
export async function processTable(room: ContainerRoom, name: string, words: readonly string[]): Promise<ProcessTable> {
  const { container } = await openRunning(room, name)
  const pids = await processesOf(container)
  const { runPs } = await import('./top/run-ps.ts')
  const shown = await runPs(words, pids)
  if (shown !== undefined) return shown
  const { readProcesses } = await import('./top/read-processes.ts')
  return readProcesses(pids)
}

/** By its control groups; without them by its pid namespace; without that, its first process and what descends from it. */
export async function processesOf({ id, pid, spec }: RunningContainer): Promise<ReadonlySet<number>> {
  const { membersOfContainer } = await import('../linux/cgroups/members.ts')
  const members = membersOfContainer(pid, spec.linux?.cgroupsPath ?? `/coracle/${id}`)
  if (members !== undefined && members.length > 0) return new Set(members)
  const { processesOfNamespace } = await import('./top/read-processes.ts')
  return new Set(processesOfNamespace(pid))
}
