/** Limits of docker's `HostConfig` as the runtime-spec's `resources`. */
import { statSync } from 'node:fs'
import { InvalidArgument } from '../../errors.ts'
import type { Resources, ThrottleDevice } from '../../oci/runtime-spec.ts'
import type { HostConfig, ThrottleSetting } from '../config.ts'
import { deviceNumbers } from './devices.ts'

const CPU_PERIOD_US = 100_000

/** Only what was asked for; device rules are added elsewhere. */
export function makeResources(host: HostConfig): Resources {
  const memory = memoryOf(host)
  const cpu = cpuOf(host)
  const blockIO = blockOf(host)
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(host.PidsLimit > 0 && { pids: { limit: host.PidsLimit } }),
    ...(Object.keys(blockIO).length > 0 && { blockIO }),
  }
}

function memoryOf(host: HostConfig): NonNullable<Resources['memory']> {
  // Without --memory-swap docker allows as much swap as memory.
  const swap = host.MemorySwap === 0 ? host.Memory * 2 : host.MemorySwap
  return {
    ...(host.Memory > 0 && { limit: host.Memory }),
    ...(host.MemoryReservation > 0 && { reservation: host.MemoryReservation }),
    ...(swap !== 0 && { swap }),
    ...(host.MemorySwappiness !== undefined && { swappiness: host.MemorySwappiness }),
    ...(host.OomKillDisable && { disableOOMKiller: true }),
  }
}

function cpuOf(host: HostConfig): NonNullable<Resources['cpu']> {
  const quota = host.NanoCpus > 0 ? Math.round((host.NanoCpus * CPU_PERIOD_US) / 1e9) : host.CpuQuota
  const period = host.NanoCpus > 0 ? CPU_PERIOD_US : host.CpuPeriod
  return {
    ...(host.CpuShares > 0 && { shares: Math.max(2, host.CpuShares) }),
    ...(quota !== 0 && { quota }),
    ...(period !== 0 && { period }),
    ...(host.CpusetCpus !== '' && { cpus: host.CpusetCpus }),
    ...(host.CpusetMems !== '' && { mems: host.CpusetMems }),
  }
}

function blockOf(host: HostConfig): NonNullable<Resources['blockIO']> {
  const list = (settings: readonly ThrottleSetting[]): ThrottleDevice[] =>
    settings.map(({ Path, Rate }) => ({ ...blockDevice(Path), rate: Rate }))
  return {
    ...(host.BlkioWeight > 0 && { weight: host.BlkioWeight }),
    ...(host.BlkioWeightDevice.length > 0 && {
      weightDevice: host.BlkioWeightDevice.map(({ Path, Weight }) => ({ ...blockDevice(Path), weight: Weight })),
    }),
    ...(host.BlkioDeviceReadBps.length > 0 && { throttleReadBpsDevice: list(host.BlkioDeviceReadBps) }),
    ...(host.BlkioDeviceWriteBps.length > 0 && { throttleWriteBpsDevice: list(host.BlkioDeviceWriteBps) }),
    ...(host.BlkioDeviceReadIOps.length > 0 && { throttleReadIOPSDevice: list(host.BlkioDeviceReadIOps) }),
    ...(host.BlkioDeviceWriteIOps.length > 0 && { throttleWriteIOPSDevice: list(host.BlkioDeviceWriteIOps) }),
  }
}

function blockDevice(path: string): { major: number; minor: number } {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isBlockDevice()) throw new InvalidArgument(`${path} is not a block device`)
  return deviceNumbers(stats.rdev)
}
