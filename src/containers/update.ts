/** `update`: other limits and another restart policy, for containers that run too. */
import { InvalidArgument } from '../errors.ts'
import type { HostConfig } from './config.ts'
import { logContainerEvent } from './events.ts'
import { findContainer, openRecord } from './find.ts'
import { holding } from './hold.ts'
import { limitRunning, withRate } from './networks/limit.ts'
import { parseLimits } from './parse/limits.ts'
import { parseRestartPolicy } from './parse/restart.ts'
import { type ContainerRecord, changeRecord, readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { makeResources } from './spec/resources.ts'
import type { UpdateFlags } from './types.ts'

/** The setting that each flag changes. */
const SETTINGS = {
  'blkio-weight': 'BlkioWeight',
  'cpu-period': 'CpuPeriod',
  'cpu-quota': 'CpuQuota',
  'cpu-shares': 'CpuShares',
  cpus: 'NanoCpus',
  'cpuset-cpus': 'CpusetCpus',
  'cpuset-mems': 'CpusetMems',
  memory: 'Memory',
  'memory-reservation': 'MemoryReservation',
  'memory-swap': 'MemorySwap',
  'pids-limit': 'PidsLimit',
} as const satisfies Record<Exclude<keyof UpdateFlags, 'restart' | 'network-rate'>, keyof HostConfig>

/** Of no control group. */
const ELSEWHERE: ReadonlySet<string> = new Set(['restart', 'network-rate'])

/** See `ContainerEngine.update`. The kernel first: what it refuses is not stored. */
export async function updateContainer(
  room: ContainerRoom,
  name: string,
  flags: UpdateFlags,
): Promise<readonly string[]> {
  const given = Object.entries(flags).filter(([, value]) => value !== undefined)
  if (given.length === 0) throw new InvalidArgument('you must provide one or more flags when using this command')
  const { id } = await findContainer(room, name)
  await holding(room, id, async () => {
    const record = readRecord(room.database, id) ?? (await findContainer(room, id))
    const host = changedHost(record, flags)
    if (record.process !== undefined && given.some(([flag]) => !ELSEWHERE.has(flag))) {
      const { backend, container } = await openRecord(room, record)
      await backend.update(container, makeResources(host))
    }
    if (flags['network-rate'] !== undefined) await limitRunning(room, record, host.NetworkRate)
    changeRecord(room.database, id, { settings: { ...record.settings, host } })
    logContainerEvent(room.database, id, 'update')
  })
  return []
}

function changedHost({ settings: { host }, autoRemove }: ContainerRecord, flags: UpdateFlags): HostConfig {
  const parsed = parseLimits(withMemory(host, flags))
  const changed = Object.entries(SETTINGS)
    .filter(([flag]) => flags[flag as keyof UpdateFlags] !== undefined)
    .map(([, setting]) => [setting, parsed[setting]])
  const limits: HostConfig = { ...withRate(host, flags), ...Object.fromEntries(changed) }
  if (flags.memory !== undefined && flags['memory-swap'] === undefined) refuseBelowSwap(limits)
  if (flags.restart === undefined) return limits
  if (autoRemove)
    throw new InvalidArgument('Restart policy cannot be updated because AutoRemove is enabled for the container')
  return { ...limits, RestartPolicy: parseRestartPolicy(flags.restart) }
}

/** Swap and reservation are checked against the memory limit, which may be the old one. */
function withMemory(host: HostConfig, flags: UpdateFlags): UpdateFlags {
  const related = flags['memory-swap'] !== undefined || flags['memory-reservation'] !== undefined
  if (flags.memory !== undefined || !related || host.Memory === 0) return flags
  return { ...flags, memory: `${host.Memory}b` }
}

function refuseBelowSwap({ Memory, MemorySwap }: HostConfig): void {
  if (MemorySwap > 0 && Memory > MemorySwap)
    throw new InvalidArgument(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    )
}
