/** Files of cgroup version 1 (kernel: admin-guide/cgroup-v1). */
import type { Resources, ThrottleDevice } from '../../oci/runtime-spec.ts'

export interface Knob {
  readonly controller: string
  readonly file: string
  readonly value: string
  /** A kernel built without it is no reason not to start. */
  readonly optional: boolean
}

export function knobsV1(resources: Resources): Knob[] {
  return [...memory(resources), ...cpu(resources), ...pids(resources), ...blockIO(resources), ...hugepages(resources)]
}

function knob(controller: string, file: string, value: number | string | undefined, optional = false): Knob[] {
  return value === undefined ? [] : [{ controller, file, value: String(value), optional }]
}

/** The limit without swap can never be above the one with it: the order matters, and is right for a fresh group. */
function memory({ memory: limits = {} }: Resources): Knob[] {
  const { limit, reservation, swap, swappiness, disableOOMKiller } = limits
  return [
    ...knob('memory', 'memory.limit_in_bytes', limit),
    // Kernels without swap accounting lack the file: the limit without swap still holds.
    ...knob('memory', 'memory.memsw.limit_in_bytes', swap, true),
    ...knob('memory', 'memory.soft_limit_in_bytes', reservation),
    ...knob('memory', 'memory.swappiness', swappiness),
    ...knob('memory', 'memory.oom_control', disableOOMKiller ? 1 : undefined),
  ]
}

function cpu({ cpu: limits = {} }: Resources): Knob[] {
  return [
    ...knob('cpu', 'cpu.shares', limits.shares || undefined),
    ...knob('cpu', 'cpu.cfs_period_us', limits.period),
    ...knob('cpu', 'cpu.cfs_quota_us', limits.quota),
    ...knob('cpu', 'cpu.rt_period_us', limits.realtimePeriod),
    ...knob('cpu', 'cpu.rt_runtime_us', limits.realtimeRuntime),
    ...knob('cpu', 'cpu.idle', limits.idle),
    ...knob('cpuset', 'cpuset.cpus', limits.cpus || undefined),
    ...knob('cpuset', 'cpuset.mems', limits.mems || undefined),
  ]
}

function pids({ pids: limits }: Resources): Knob[] {
  if (limits === undefined) return []
  return knob('pids', 'pids.max', limits.limit > 0 ? limits.limit : 'max')
}

function blockIO({ blockIO: limits = {} }: Resources): Knob[] {
  const throttle = (file: string, devices: readonly ThrottleDevice[] = []) =>
    devices.flatMap(({ major, minor, rate }) =>
      knob('blkio', `blkio.throttle.${file}_device`, `${major}:${minor} ${rate}`),
    )
  return [
    // Only with the BFQ scheduler is there a weight at all.
    ...knob('blkio', 'blkio.weight', limits.weight || undefined, true),
    ...(limits.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
      knob('blkio', 'blkio.weight_device', weight === undefined ? undefined : `${major}:${minor} ${weight}`, true),
    ),
    ...throttle('read_bps', limits.throttleReadBpsDevice),
    ...throttle('write_bps', limits.throttleWriteBpsDevice),
    ...throttle('read_iops', limits.throttleReadIOPSDevice),
    ...throttle('write_iops', limits.throttleWriteIOPSDevice),
  ]
}

function hugepages({ hugepageLimits = [] }: Resources): Knob[] {
  return hugepageLimits.flatMap(({ pageSize, limit }) => knob('hugetlb', `hugetlb.${pageSize}.limit_in_bytes`, limit))
}

export function v1DeviceRules(
  rules: NonNullable<Resources['devices']>,
): { readonly file: string; readonly value: string }[] {
  return rules.map(({ allow, type = 'a', major, minor, access = 'rwm' }) => {
    const number = (value: number | undefined) => (value === undefined || value < 0 ? '*' : String(value))
    const all = type === 'a' && major === undefined && minor === undefined
    return {
      file: allow ? 'devices.allow' : 'devices.deny',
      value: all ? 'a' : `${type} ${number(major)}:${number(minor)} ${access}`,
    }
  })
}
