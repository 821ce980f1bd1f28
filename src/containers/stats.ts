/** One look at what a container uses. Rates are made of two by whoever shows them. */
import { readFileSync, readlinkSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { IsolationBackend, ResourceUsage, RunningContainer } from '../plugins/contract.ts'
import { openRunning } from './find.ts'
import type { ContainerRoom } from './room.ts'
import type { StatsSample } from './types.ts'

/** See `ContainerEngine.stats`. */
export async function sampleStats(room: ContainerRoom, name: string): Promise<StatsSample> {
  const { record, backend, container } = await openRunning(room, name)
  const measured = await measure(backend, container)
  // Without a limit of its own, or with one above it, it may take all there is.
  const memoryLimitBytes = Math.min(measured.memoryLimitBytes || totalmem(), totalmem())
  return {
    id: record.id,
    name: record.name,
    atMs: Number(process.hrtime.bigint() / 1_000_000n),
    usage: { ...measured, memoryLimitBytes },
    cpus: availableParallelism(),
    network: await readTraffic(container),
  }
}

/** By its control groups; an ordinary user's containers may have none, and then by their processes. */
async function measure(backend: IsolationBackend, container: RunningContainer): Promise<ResourceUsage> {
  const counted = await backend.stats(container)
  if (counted.cpuNs > 0 || counted.memoryBytes > 0 || counted.pids > 0) return counted
  const { processesOf } = await import('./top.ts')
  const { measureProcesses } = await import('./measure.ts')
  return { ...counted, ...measureProcesses(await processesOf(container)) }
}

/** Of the container's own network namespace; nothing where it shares the host's. */
async function readTraffic({ pid, spec, id }: RunningContainer): Promise<StatsSample['network']> {
  const nothing = { receivedBytes: 0, sentBytes: 0 }
  const own = (spec.linux?.namespaces ?? []).some(({ type }) => type === 'network')
  if (!own) return nothing
  const { membersOfContainer } = await import('../linux/cgroups/members.ts')
  const members = membersOfContainer(pid, spec.linux?.cgroupsPath ?? `/coracle/${id}`) ?? []
  // The first process of a foreign runtime is the runtime's own, outside.
  const inside = members.includes(pid) ? pid : (members[0] ?? pid)
  if (networkOf(inside) === networkOf('self')) return nothing // a sandbox without namespaces
  try {
    return parseTraffic(readFileSync(`/proc/${inside}/net/dev`, 'utf8'))
  } catch {
    return nothing // it has just ended
  }
}

/** The name of its namespace; of its own for a process that we may not look into. */
function networkOf(pid: number | 'self'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return `of process ${pid}`
  }
}

/** Sums of /proc/net/dev over all devices but loopback. */
export function parseTraffic(text: string): StatsSample['network'] {
  let [receivedBytes, sentBytes] = [0, 0]
  for (const line of text.split('\n').slice(2)) {
    const [device = '', numbers = ''] = line.split(':')
    if (device.trim() === 'lo' || numbers === '') continue
    const fields = numbers.trim().split(/\s+/).map(Number)
    receivedBytes += fields[0] ?? 0
    sentBytes += fields[8] ?? 0
  }
  return { receivedBytes, sentBytes }
}
