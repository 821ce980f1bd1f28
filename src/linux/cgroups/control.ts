/** Looks at, changes, freezes and removes the groups of a container, whichever version the host has. */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CgroupControl, ResourceUsage } from '../../plugins/contract.ts'
import { CgroupBusy, ControllerMissing } from '../errors.ts'
import { containerGroups, findGroup, type Group } from './groups.ts'
import type { Hierarchy } from './hierarchies.ts'
import { type Knob, knobsV1 } from './v1.ts'
import { knobsV2 } from './v2.ts'

export function openCgroupControl(cgroupsPath: string, hierarchies?: readonly Hierarchy[]): CgroupControl {
  const groups = containerGroups(cgroupsPath, hierarchies)
  const unified = groups.find(({ hierarchy }) => hierarchy.version === 2)
  return {
    usage: async () => (unified === undefined ? usageV1(groups) : usageV2(unified.path)),
    update: async (resources) => {
      const knobs = unified === undefined ? raisedLast(groups, knobsV1(resources)) : knobsV2(resources)
      for (const knob of knobs) writeKnob(groups, knob)
    },
    freeze: async () => setFrozen(groups, true),
    thaw: async () => setFrozen(groups, false),
    destroy: async () => {
      // In version 1 the one that freezes is not the one that is in the way: every member dies, then is thawed, first.
      for (const { path } of groups) killMembers(path)
      for (const { path } of groups) await removeGroup(path)
      // The last container takes our own group along, as the supervisor does when it lives.
      for (const { path } of groups) if (basename(dirname(path)) === OWN_GROUP) removeIfEmpty(dirname(path))
    },
  }
}

/** A limit raised above the present one of memory and swap together needs that one raised before it. */
function raisedLast(groups: readonly Group[], knobs: readonly Knob[]): readonly Knob[] {
  const file = 'memory.memsw.limit_in_bytes'
  const swap = knobs.find((knob) => knob.file === file)
  const group = findGroup(groups, 'memory')
  if (swap === undefined || group === undefined) return knobs
  const present = Number(readText(join(group.path, file)))
  const raises = swap.value === '-1' || Number(swap.value) > present
  return raises ? [swap, ...knobs.filter((knob) => knob !== swap)] : knobs
}

function writeKnob(groups: readonly Group[], { controller, file, value, optional }: Knob): void {
  const group = findGroup(groups, controller)
  if (optional && (group === undefined || !existsSync(join(group.path, file)))) return
  if (group === undefined) throw new ControllerMissing(controller)
  writeFileSync(join(group.path, file), value)
}

async function setFrozen(groups: readonly Group[], frozen: boolean): Promise<void> {
  const group = findGroup(groups, 'freezer') ?? groups.find(({ hierarchy }) => hierarchy.version === 2)
  if (group === undefined) throw new ControllerMissing('freezer')
  const v1 = group.hierarchy.version === 1
  const [file, value] = v1 ? ['freezer.state', frozen ? 'FROZEN' : 'THAWED'] : ['cgroup.freeze', frozen ? '1' : '0']
  writeFileSync(join(group.path, file), value)
  const settled = () =>
    v1
      ? readText(join(group.path, file)) === value
      : readText(join(group.path, 'cgroup.events')).includes(`frozen ${value}`)
  // A container that ends meanwhile takes its group along, and is as still as can be.
  for (let waitMs = 1; existsSync(group.path) && !settled(); waitMs = Math.min(waitMs * 2, 50)) await sleep(waitMs)
}

const REMOVE_ATTEMPTS = 40
/** Of which those of all containers are parts, where no other parent was asked for. */
const OWN_GROUP = 'coracle'

/** Idempotent. What is frozen cannot die: it is thawed first. */
async function removeGroup(path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    if (tryRemove(path)) return
    if (attempt === REMOVE_ATTEMPTS) throw new CgroupBusy(path)
    killMembers(path)
    await sleep(Math.min(2 ** attempt, 50))
  }
}

function tryRemove(path: string): boolean {
  for (const child of subgroups(path)) tryRemove(join(path, child))
  return removeIfEmpty(path)
}

function removeIfEmpty(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return true
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false
    throw error
  }
}

function killMembers(path: string): void {
  writeOptional(join(path, 'freezer.state'), 'THAWED')
  writeOptional(join(path, 'cgroup.freeze'), '0')
  for (const child of subgroups(path)) killMembers(join(path, child))
  for (const pid of readText(join(path, 'cgroup.procs')).split('\n').map(Number)) {
    if (pid > 1 && pid !== process.pid) killProcess(pid)
  }
}

/** It may end by itself between the look and the signal. */
function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function subgroups(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return [] // it is gone
  }
}

function writeOptional(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'r+' })
  } catch {
    return // that version has no such file
  }
}

function usageV1(groups: readonly Group[]): ResourceUsage {
  const read = (controller: string, file: string) => {
    const group = findGroup(groups, controller)
    return group === undefined ? '' : readText(join(group.path, file))
  }
  const memory = fieldsOf(read('memory', 'memory.stat'))
  const bytes = (operation: string) =>
    sumLines(read('blkio', 'blkio.throttle.io_service_bytes'), (words) =>
      words[1] === operation ? Number(words[2]) : 0,
    )
  return {
    cpuNs: Number(read('cpuacct', 'cpuacct.usage')),
    systemCpuNs: systemCpuNs(),
    memoryBytes: Number(read('memory', 'memory.usage_in_bytes')),
    memoryLimitBytes: limitOf(read('memory', 'memory.limit_in_bytes')),
    memoryCacheBytes: memory.get('total_inactive_file') ?? 0,
    pids: Number(read('pids', 'pids.current')),
    pidsLimit: limitOf(read('pids', 'pids.max')),
    blockReadBytes: bytes('Read'),
    blockWriteBytes: bytes('Write'),
  }
}

function usageV2(path: string): ResourceUsage {
  const read = (file: string) => readText(join(path, file))
  const io = (key: string) =>
    sumLines(read('io.stat'), (words) =>
      Number(words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1) ?? 0),
    )
  return {
    cpuNs: (fieldsOf(read('cpu.stat')).get('usage_usec') ?? 0) * 1000,
    systemCpuNs: systemCpuNs(),
    memoryBytes: Number(read('memory.current')),
    memoryLimitBytes: limitOf(read('memory.max')),
    memoryCacheBytes: fieldsOf(read('memory.stat')).get('inactive_file') ?? 0,
    pids: Number(read('pids.current')),
    pidsLimit: limitOf(read('pids.max')),
    blockReadBytes: io('rbytes'),
    blockWriteBytes: io('wbytes'),
  }
}

/** `max`, and the near-2^63 of version 1, are no limit: 0. */
function limitOf(text: string): number {
  const value = Number(text)
  return Number.isSafeInteger(value) && value > 0 ? value : 0
}

function fieldsOf(text: string): Map<string, number> {
  return new Map(
    text.split('\n').map((line) => [line.slice(0, line.indexOf(' ')), Number(line.slice(line.indexOf(' ') + 1))]),
  )
}

function sumLines(text: string, value: (words: readonly string[]) => number): number {
  return text.split('\n').reduce((sum, line) => sum + value(line.split(' ')), 0)
}

const NS_PER_TICK = 10_000_000

/** All processors' busy and idle time since boot, from the first line of /proc/stat. */
function systemCpuNs(): number {
  const [line = ''] = readText('/proc/stat').split('\n')
  const ticks = line.split(/\s+/).slice(1, 9).map(Number)
  return ticks.reduce((sum, value) => sum + value, 0) * NS_PER_TICK
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return '' // not accounted here, or gone meanwhile
  }
}
