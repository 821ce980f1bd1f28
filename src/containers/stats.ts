/** One look at what a container uses. Rates are made of two by whoever shows them. */
import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { RunningContainer } from '../plugins/contract.ts'
import { openRunning } from './find.ts'
import type { ContainerRoom } from './room.ts'
import type { StatsSample } from './types.ts'

/** See `ContainerEngine.stats`. */
export async function sampleStats(room: ContainerRoom, name: string): Promise<StatsSample> {
  const { record, backend, container } = await openRunning(room, name)
  const measured = await backend.stats(container)
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

/** Of the container's own network namespace; nothing where it shares the host's. */
async function readTraffic({ pid, spec, id }: RunningContainer): Promise<StatsSample['network']> {
  const nothing = { receivedBytes: 0, sentBytes: 0 }
  const own = (spec.linux?.namespaces ?? []).some(({ type }) => type === 'network')
  if (!own) return nothing
  const { membersOfContainer } = await import('../linux/cgroups/members.ts')
  const members = membersOfContainer(pid, spec.linux?.cgroupsPath ?? `/coracle/${id}`) ?? []
  // The first process of a foreign runtime is the runtime's own, outside.
  const inside = members.includes(pid) ? pid : (members[0] ?? pid)
  try {
    return parseTraffic(readFileSync(`/proc/${inside}/net/dev`, 'utf8'))
  } catch {
    return nothing // it has just ended
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
