/** What processes use, from /proc: for containers without control groups of their own. */
import { readFileSync } from 'node:fs'
import type { ResourceUsage } from '../plugins/contract.ts'
import { statFields } from '../util/process-identity.ts'

/** USER_HZ is 100 on every architecture that Coracle runs on. */
const NS_PER_TICK = 10_000_000
const PAGE_BYTES = 4096

export type Measured = Pick<ResourceUsage, 'cpuNs' | 'memoryBytes' | 'pids' | 'blockReadBytes' | 'blockWriteBytes'>

/**
 * Sums over those that are still alive. CPU time is with that of their children that have ended and been waited for;
 * memory is what only they hold, without files; threads count as pids, as the kernel's controller counts them.
 */
export function measureProcesses(pids: Iterable<number>): Measured {
  const total = { cpuNs: 0, memoryBytes: 0, pids: 0, blockReadBytes: 0, blockWriteBytes: 0 }
  for (const pid of pids) {
    const stat = statFields(read(pid, 'stat')).map(Number)
    const [, resident = 0, shared = 0] = read(pid, 'statm').split(' ').map(Number)
    const io = read(pid, 'io')
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = stat.slice(11, 15)
    total.cpuNs += (user + system + childUser + childSystem) * NS_PER_TICK
    total.memoryBytes += (resident - shared) * PAGE_BYTES
    total.pids += stat[17] ?? 0
    total.blockReadBytes += numberAfter(io, 'read_bytes')
    total.blockWriteBytes += numberAfter(io, 'write_bytes')
  }
  return total
}

function numberAfter(text: string, key: string): number {
  return Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // it has just ended, or is not ours to look into
  }
}
