/** Files of cgroup version 2 (kernel: admin-guide/cgroup-v2.rst), from limits in the words of version 1. */
import type { Resources, ThrottleDevice } from '../../oci/runtime-spec.ts'
import type { Knob } from './v1.ts'

export function knobsV2(resources: Resources): Knob[] {
  return [
    ...memory(resources),
    ...cpu(resources),
    ...pids(resources),
    ...io(resources),
    ...hugepages(resources),
    ...unified(resources),
  ]
}

function knob(controller: string, file: string, value: number | string | undefined, optional = false): Knob[] {
  return value === undefined ? [] : [{ controller, file, value: String(value), optional }]
}

function bytes(value: number | undefined): number | string | undefined {
  return value === -1 ? 'max' : value
}

function memory({ memory: limits = {} }: Resources): Knob[] {
  const { limit, reservation, swap } = limits
  return [
    ...knob('memory', 'memory.max', bytes(limit)),
    ...knob('memory', 'memory.swap.max', swapOnly(limit, swap), true),
    ...knob('memory', 'memory.low', bytes(reservation)),
  ]
}

/** Version 1 counts memory and swap together, version 2 swap alone. */
export function swapOnly(limit: number | undefined, swap: number | undefined): number | string | undefined {
  if (swap === undefined) return undefined
  if (swap === -1) return 'max'
  return limit === undefined || limit === -1 ? swap : Math.max(0, swap - limit)
}

/** 2–262144 of version 1 to 1–10000 of version 2, with the default 1024 at the default 100 (as runc and crun map it). */
export function weightOfShares(shares: number): number {
  const bounded = Math.min(262_144, Math.max(2, shares))
  const log = Math.log2(bounded)
  const exponent = (log * log + 125 * log) / 612 - 7 / 34
  return Math.ceil(10 ** exponent)
}

function cpu({ cpu: limits = {} }: Resources): Knob[] {
  const { shares, quota, period, burst, idle, cpus, mems } = limits
  const bandwidth =
    quota === undefined && period === undefined
      ? undefined
      : `${quota !== undefined && quota > 0 ? quota : 'max'} ${period ?? 100_000}`
  return [
    ...knob('cpu', 'cpu.weight', shares === undefined || shares === 0 ? undefined : weightOfShares(shares)),
    ...knob('cpu', 'cpu.max', bandwidth),
    ...knob('cpu', 'cpu.max.burst', burst),
    ...knob('cpu', 'cpu.idle', idle),
    ...knob('cpuset', 'cpuset.cpus', cpus || undefined),
    ...knob('cpuset', 'cpuset.mems', mems || undefined),
  ]
}

function pids({ pids: limits }: Resources): Knob[] {
  return limits === undefined ? [] : knob('pids', 'pids.max', limits.limit > 0 ? limits.limit : 'max')
}

/** 10–1000 of blkio to 1–10000 of io. */
export function ioWeight(weight: number): number {
  return Math.round(1 + ((weight - 10) * 9999) / 990)
}

function io({ blockIO: limits = {} }: Resources): Knob[] {
  const throttle = (key: string, devices: readonly ThrottleDevice[] = []) =>
    devices.flatMap(({ major, minor, rate }) => knob('io', 'io.max', `${major}:${minor} ${key}=${rate}`))
  return [
    // The weight needs the io.cost or BFQ scheduler.
    ...knob('io', 'io.weight', limits.weight ? `default ${ioWeight(limits.weight)}` : undefined, true),
    ...throttle('rbps', limits.throttleReadBpsDevice),
    ...throttle('wbps', limits.throttleWriteBpsDevice),
    ...throttle('riops', limits.throttleReadIOPSDevice),
    ...throttle('wiops', limits.throttleWriteIOPSDevice),
  ]
}

function hugepages({ hugepageLimits = [] }: Resources): Knob[] {
  return hugepageLimits.flatMap(({ pageSize, limit }) => knob('hugetlb', `hugetlb.${pageSize}.max`, limit))
}

function unified({ unified: files = {} }: Resources): Knob[] {
  return Object.entries(files).flatMap(([file, value]) => {
    if (!/^[a-z]+\.[A-Za-z0-9._]+$/.test(file)) throw new TypeError(`no control file is called ${file}`)
    return knob(file.slice(0, file.indexOf('.')), file, value)
  })
}
