/** Memory, CPU, process and block device limits from flags, checked as docker checks them. */
import { availableParallelism } from 'node:os'
import { InvalidArgument } from '../../errors.ts'
import type { HostConfig, ThrottleSetting, UlimitSetting, WeightSetting } from '../config.ts'
import type { RunFlags } from '../types.ts'
import { invalid, parseCpuSet, parseInteger, parseNanoCpus, parseSize, parseSizeOrUnlimited } from './values.ts'

type Limits = Pick<
  HostConfig,
  | 'Memory'
  | 'MemoryReservation'
  | 'MemorySwap'
  | 'OomKillDisable'
  | 'NanoCpus'
  | 'CpuShares'
  | 'CpuPeriod'
  | 'CpuQuota'
  | 'CpusetCpus'
  | 'CpusetMems'
  | 'PidsLimit'
  | 'BlkioWeight'
  | 'BlkioWeightDevice'
  | 'BlkioDeviceReadBps'
  | 'BlkioDeviceWriteBps'
  | 'BlkioDeviceReadIOps'
  | 'BlkioDeviceWriteIOps'
  | 'ShmSize'
  | 'OomScoreAdj'
> &
  Partial<Pick<HostConfig, 'MemorySwappiness'>>

const MIN_MEMORY_BYTES = 6 << 20
const DEFAULT_SHM_BYTES = 64 << 20

export function parseLimits(flags: RunFlags, cpuCount: number = availableParallelism()): Limits {
  return { ...memoryLimits(flags), ...cpuLimits(flags, cpuCount), ...blockLimits(flags), ...otherLimits(flags) }
}

function memoryLimits(flags: RunFlags) {
  const Memory = optional(flags.memory, (text) => parseSize(text, 'memory')) ?? 0
  const MemoryReservation = optional(flags['memory-reservation'], (text) => parseSize(text, 'memory-reservation')) ?? 0
  const MemorySwap = optional(flags['memory-swap'], (text) => parseSizeOrUnlimited(text, 'memory-swap')) ?? 0
  const swappiness = optional(flags['memory-swappiness'], (text) => parseInteger(text, 'memory-swappiness'))
  if (Memory > 0 && Memory < MIN_MEMORY_BYTES) refuse('Minimum memory limit allowed is 6MB')
  if (MemorySwap > 0 && Memory === 0)
    refuse('You should always set the Memory limit when using Memoryswap limit, see usage')
  if (MemorySwap > 0 && MemorySwap < Memory)
    refuse('Minimum memoryswap limit should be larger than memory limit, see usage')
  if (MemoryReservation > 0 && MemoryReservation < MIN_MEMORY_BYTES) refuse('Minimum memory reservation allowed is 6MB')
  if (Memory > 0 && MemoryReservation > Memory)
    refuse('Minimum memory limit can not be less than memory reservation limit, see usage')
  if (swappiness !== undefined && (swappiness < -1 || swappiness > 100))
    refuse(`Invalid value: ${swappiness}. Valid memory swappiness range is 0-100`)
  return {
    Memory,
    MemoryReservation,
    MemorySwap,
    OomKillDisable: flags['oom-kill-disable'] ?? false,
    ...(swappiness !== undefined && swappiness !== -1 && { MemorySwappiness: swappiness }),
  }
}

function cpuLimits(flags: RunFlags, cpuCount: number) {
  const integer = (flag: 'cpu-shares' | 'cpu-period' | 'cpu-quota') =>
    optional(flags[flag], (text) => parseInteger(text, flag)) ?? 0
  const NanoCpus = optional(flags.cpus, (text) => parseNanoCpus(text, 'cpus')) ?? 0
  const CpuPeriod = integer('cpu-period')
  const CpuQuota = integer('cpu-quota')
  const CpuShares = integer('cpu-shares')
  if (NanoCpus > 0 && CpuPeriod > 0) refuse('Conflicting options: Nano CPUs and CPU Period cannot both be set.')
  if (NanoCpus > 0 && CpuQuota > 0) refuse('Conflicting options: Nano CPUs and CPU Quota cannot both be set.')
  if (flags.cpus !== undefined && NanoCpus !== 0 && (NanoCpus < 1e7 || NanoCpus > cpuCount * 1e9))
    refuse(`Range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`)
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000))
    refuse('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)')
  if (CpuQuota > 0 && CpuQuota < 1000) refuse('CPU cfs quota can not be less than 1ms (i.e. 1000)')
  if (CpuShares < 0) refuse(`shares must not be negative: ${CpuShares}`)
  const CpusetCpus = flags['cpuset-cpus'] ?? ''
  const CpusetMems = flags['cpuset-mems'] ?? ''
  if (parseCpuSet(CpusetCpus, 'cpus').some((cpu) => cpu >= cpuCount))
    refuse(`Requested CPUs are not available - requested ${CpusetCpus}, available: 0-${cpuCount - 1}`)
  parseCpuSet(CpusetMems, 'mems')
  return { NanoCpus, CpuShares, CpuPeriod, CpuQuota, CpusetCpus, CpusetMems }
}

function blockLimits(flags: RunFlags) {
  const BlkioWeight = optional(flags['blkio-weight'], (text) => parseInteger(text, 'blkio-weight')) ?? 0
  if (BlkioWeight !== 0 && (BlkioWeight < 10 || BlkioWeight > 1000)) refuse('Range of blkio weight is from 10 to 1000')
  return {
    BlkioWeight,
    BlkioWeightDevice: (flags['blkio-weight-device'] ?? []).map(parseWeight),
    BlkioDeviceReadBps: (flags['device-read-bps'] ?? []).map((text) => parseThrottle(text, 'device-read-bps')),
    BlkioDeviceWriteBps: (flags['device-write-bps'] ?? []).map((text) => parseThrottle(text, 'device-write-bps')),
    BlkioDeviceReadIOps: (flags['device-read-iops'] ?? []).map((text) => parseThrottle(text, 'device-read-iops')),
    BlkioDeviceWriteIOps: (flags['device-write-iops'] ?? []).map((text) => parseThrottle(text, 'device-write-iops')),
  }
}

function otherLimits(flags: RunFlags) {
  const PidsLimit = optional(flags['pids-limit'], (text) => parseInteger(text, 'pids-limit')) ?? 0
  const ShmSize = optional(flags['shm-size'], (text) => parseSize(text, 'shm-size')) ?? DEFAULT_SHM_BYTES
  const OomScoreAdj = optional(flags['oom-score-adj'], (text) => parseInteger(text, 'oom-score-adj')) ?? 0
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000)
    refuse(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`)
  return { PidsLimit, ShmSize: ShmSize === 0 ? DEFAULT_SHM_BYTES : ShmSize, OomScoreAdj }
}

function parseWeight(text: string): WeightSetting {
  const [Path, value, ...rest] = text.split(':')
  const Weight = Number(value)
  if (!Path?.startsWith('/dev/') || rest.length > 0) throw invalid(text, 'blkio-weight-device', `bad format: ${text}`)
  if (!Number.isInteger(Weight) || (Weight !== 0 && (Weight < 10 || Weight > 1000)))
    throw invalid(text, 'blkio-weight-device', `invalid weight for device: ${text}`)
  return { Path, Weight }
}

function parseThrottle(text: string, flag: string): ThrottleSetting {
  const [Path, value, ...rest] = text.split(':')
  if (!Path?.startsWith('/dev/') || value === undefined || rest.length > 0)
    throw invalid(text, flag, `bad format for device path: ${text}`)
  return { Path, Rate: flag.endsWith('bps') ? parseSize(value, flag) : Math.max(0, parseInteger(value, flag)) }
}

const ULIMITS = new Set(
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '),
)

/** `nofile=1024:2048`, `nproc=100`; -1 is unlimited. */
export function parseUlimit(text: string): UlimitSetting {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text)
  if (match === null) throw invalid(text, 'ulimit', `invalid ulimit argument: ${text}`)
  const Name = match[1] ?? ''
  const Soft = Number(match[2])
  const Hard = Number(match[3] ?? match[2])
  if (!ULIMITS.has(Name)) throw invalid(text, 'ulimit', `invalid ulimit type: ${Name}`)
  if (Hard !== -1 && (Soft > Hard || Soft === -1))
    throw invalid(text, 'ulimit', `ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`)
  return { Name, Soft, Hard }
}

function optional<Value>(text: string | undefined, parse: (text: string) => Value): Value | undefined {
  return text === undefined || text === '' ? undefined : parse(text)
}

function refuse(message: string): never {
  throw new InvalidArgument(message)
}
