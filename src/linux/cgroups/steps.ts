/** Limits of a runtime-spec document as host steps (runtime-spec, config-linux.md#control-groups). */
import { readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Resources } from '../../oci/runtime-spec.ts'
import type { CgroupSteps } from '../../plugins/contract.ts'
import { ControllerMissing } from '../errors.ts'
import type { HostStep } from '../plan.ts'
import { deviceFilter } from './device-filter.ts'
import { baseOf, containerGroups, findGroup, type Group } from './groups.ts'
import type { Hierarchy } from './hierarchies.ts'
import { type Knob, knobsV1, v1DeviceRules } from './v1.ts'
import { knobsV2 } from './v2.ts'

export interface CgroupRequest {
  readonly cgroupsPath: string
  readonly resources: Resources
  /** Without root nobody may expect every limit: what cannot be had is a warning. */
  readonly rootless: boolean
}

/** @throws {ControllerMissing} a limit was asked for that this host cannot hold */
export function cgroupSteps(request: CgroupRequest, hierarchies?: readonly Hierarchy[]): CgroupSteps {
  const groups = containerGroups(request.cgroupsPath, hierarchies).filter(
    (group) => !request.rootless || isWritable(group),
  )
  const knobs = groups.some(({ hierarchy }) => hierarchy.version === 2)
    ? knobsV2(request.resources)
    : knobsV1(request.resources)
  return {
    before: [
      ...groups.flatMap((group) => makeGroup(group)),
      ...knobs.flatMap((knob) => writeKnob(groups, knob, request.rootless)),
      ...(request.rootless ? [] : deviceSteps(groups, request.resources)),
      ...oomFile(groups),
    ],
    after: groups.map(({ path }): HostStep => ({ do: 'join-cgroup', path })),
  }
}

function makeGroup(group: Group): HostStep[] {
  const { path, hierarchy } = group
  const make: HostStep = { do: 'cgroup', path, remove: true }
  if (hierarchy.controllers.includes('cpuset') && hierarchy.version === 1) return [make, ...inheritCpuset(group)]
  if (hierarchy.version === 1) return [make]
  // A group hands controllers on to those below it: the root first, then ours. Made before, so that nobody removes ours.
  const enable = hierarchy.controllers.map((name) => `+${name}`).join(' ')
  const base = baseOf(hierarchy)
  const above = levelsBelow(base, dirname(path))
  return [make, ...[base, ...above].map((level) => write(join(level, 'cgroup.subtree_control'), enable, true))]
}

/** The groups on the way from `base`, which is not among them, to `path`, which is. */
function levelsBelow(base: string, path: string): string[] {
  const names = relative(base, path)
    .split('/')
    .filter((name) => name !== '')
  return names.map((_, index) => join(base, ...names.slice(0, index + 1)))
}

/** A new cpuset of version 1 holds nothing, and nothing can run in it, until it is given some: each level by the one above. */
function inheritCpuset({ hierarchy, path }: Group): HostStep[] {
  const base = baseOf(hierarchy)
  const levels = levelsBelow(base, path)
  return ['cpuset.cpus', 'cpuset.mems'].flatMap((file) => {
    let value = readFileSync(join(base, file), 'utf8').trim()
    return levels.map((level) => {
      value = readText(join(level, file)) || value // a parent that somebody made narrower stays so
      return write(join(level, file), value, false)
    })
  })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return '' // not made yet
  }
}

function writeKnob(groups: readonly Group[], knob: Knob, rootless: boolean): HostStep[] {
  const group = findGroup(groups, knob.controller)
  if (group !== undefined) return [write(join(group.path, knob.file), knob.value, knob.optional || rootless)]
  if (knob.optional || rootless) return []
  throw new ControllerMissing(knob.controller)
}

function deviceSteps(groups: readonly Group[], { devices = [] }: Resources): HostStep[] {
  const v1 = findGroup(groups, 'devices')
  if (v1 !== undefined) return v1DeviceRules(devices).map(({ file, value }) => write(join(v1.path, file), value, false))
  const v2 = groups.find(({ hierarchy }) => hierarchy.version === 2)
  return v2 === undefined || devices.length === 0
    ? []
    : [{ do: 'device-filter', path: v2.path, program: deviceFilter(devices) }]
}

function oomFile(groups: readonly Group[]): HostStep[] {
  const group = findGroup(groups, 'memory')
  if (group === undefined) return []
  const file = group.hierarchy.version === 2 ? 'memory.events' : 'memory.oom_control'
  return [{ do: 'oom-file', path: join(group.path, file) }]
}

function isWritable({ hierarchy }: Group): boolean {
  // Delegation to users exists on version 2 only (systemd's Delegate=); it shows in who owns our own group.
  return hierarchy.version === 2 && ownsDirectory(join(hierarchy.mount, hierarchy.self))
}

function ownsDirectory(path: string): boolean {
  try {
    readFileSync(join(path, 'cgroup.procs'))
    return (process.geteuid?.() ?? 0) === 0 || statSync(path).uid === process.geteuid?.()
  } catch {
    return false
  }
}

function write(path: string, text: string, optional: boolean): HostStep {
  return { do: 'write', path, text, optional }
}
