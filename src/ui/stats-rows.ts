/** Rows of `stats` by docker's field names. */
import type { StatsSample } from '../containers/types.ts'
import type { Row } from './format-rows.ts'
import { binarySize, humanSize } from './units.ts'

export const STATS_HEADINGS = {
  Container: 'CONTAINER',
  ID: 'CONTAINER ID',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
}

export const STATS_COLUMNS = ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'] as const

const SHORT_ID = 12

export interface StatsRowInput {
  /** As the user named it. */
  readonly called: string
  /** undefined: it does not run, and uses nothing */
  readonly sample: StatsSample | undefined
  /** Of the look before; without it the CPU shows as idle. */
  readonly before: StatsSample | undefined
  readonly id: string
  readonly name: string
}

const NOTHING = {
  CPUPerc: '0.00%',
  MemUsage: '0B / 0B',
  MemPerc: '0.00%',
  NetIO: '0B / 0B',
  BlockIO: '0B / 0B',
  PIDs: '0',
}

export function statsRow({ called, sample, before, id, name }: StatsRowInput, full: boolean): Row {
  const named = { Container: called, ID: full ? id : id.slice(0, SHORT_ID), Name: name }
  if (sample === undefined) return { ...named, ...NOTHING }
  const { usage, network } = sample
  const memoryBytes = usedMemory(usage)
  const share = usage.memoryLimitBytes === 0 ? 0 : (memoryBytes / usage.memoryLimitBytes) * 100
  return {
    ...named,
    CPUPerc: percent(cpuShare(sample, before)),
    MemUsage: `${binarySize(memoryBytes)} / ${binarySize(usage.memoryLimitBytes)}`,
    MemPerc: percent(share),
    NetIO: `${humanSize(network.receivedBytes, 3)} / ${humanSize(network.sentBytes, 3)}`,
    BlockIO: `${humanSize(usage.blockReadBytes, 3)} / ${humanSize(usage.blockWriteBytes, 3)}`,
    PIDs: `${usage.pids}`,
  }
}

/** Without the file cache that the kernel takes back when it likes, as docker counts. */
function usedMemory({ memoryBytes, memoryCacheBytes }: StatsSample['usage']): number {
  return memoryCacheBytes < memoryBytes ? memoryBytes - memoryCacheBytes : memoryBytes
}

/** 100 is one CPU, as docker counts. */
export function cpuShare(sample: StatsSample, before: StatsSample | undefined): number {
  const elapsedMs = sample.atMs - (before?.atMs ?? sample.atMs)
  if (before === undefined || elapsedMs <= 0) return 0
  return Math.max(0, ((sample.usage.cpuNs - before.usage.cpuNs) / (elapsedMs * 1e6)) * 100)
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`
}
