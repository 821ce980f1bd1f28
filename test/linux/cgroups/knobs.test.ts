import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import type { Hierarchy } from '../../../src/linux/cgroups/hierarchies.ts'
import { cgroupSteps } from '../../../src/linux/cgroups/steps.ts'
import { knobsV1, v1DeviceRules } from '../../../src/linux/cgroups/v1.ts'
import { knobsV2, swapOnly, weightOfShares } from '../../../src/linux/cgroups/v2.ts'
import { ControllerMissing } from '../../../src/linux/errors.ts'
import type { Resources } from '../../../src/oci/runtime-spec.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const MIB = 1_048_576
const limits: Resources = {
  memory: { limit: 64 * MIB, swap: 96 * MIB, reservation: 32 * MIB },
  cpu: { shares: 1024, quota: 50_000, period: 100_000, cpus: '0' },
  pids: { limit: 20 },
}

function lines(knobs: ReturnType<typeof knobsV1>): string[] {
  return knobs.map(({ file, value }) => `${file} ${value}`)
}

describe('limits as files', () => {
  it('of version 1 set memory before memory and swap together', () => {
    assert.deepEqual(lines(knobsV1(limits)), [
      'memory.limit_in_bytes 67108864',
      'memory.memsw.limit_in_bytes 100663296',
      'memory.soft_limit_in_bytes 33554432',
      'cpu.shares 1024',
      'cpu.cfs_period_us 100000',
      'cpu.cfs_quota_us 50000',
      'cpuset.cpus 0',
      'pids.max 20',
    ])
  })

  it('of version 2 say the same in its words', () => {
    assert.deepEqual(lines(knobsV2(limits)), [
      'memory.max 67108864',
      'memory.swap.max 33554432',
      'memory.low 33554432',
      'cpu.weight 100',
      'cpu.max 50000 100000',
      'cpuset.cpus 0',
      'pids.max 20',
    ])
  })

  it('leave shares of 0 at the default in both versions', () => {
    assert.deepEqual([knobsV1({ cpu: { shares: 0 } }), knobsV2({ cpu: { shares: 0 } })], [[], []])
  })

  it('map shares to weights with both ends and the default in place', () => {
    assert.deepEqual([2, 1024, 262_144, 1, 1e9].map(weightOfShares), [1, 100, 10_000, 1, 10_000])
  })

  it('take memory from memory and swap together', () => {
    assert.deepEqual(
      [swapOnly(10, 30), swapOnly(10, 10), swapOnly(10, -1), swapOnly(10, undefined)],
      [20, 0, 'max', undefined],
    )
    assert.deepEqual([swapOnly(undefined, 5), swapOnly(-1, 5)], [5, 5])
  })

  it('write device rules in the words of version 1', () => {
    const rules = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
      { allow: true, type: 'b', major: 8 },
    ] as const
    assert.deepEqual(
      v1DeviceRules([...rules]).map(({ file, value }) => `${file} ${value}`),
      ['devices.deny a', 'devices.allow c 1:3 rw', 'devices.allow b 8:* rwm'],
    )
  })

  it('of a new cpuset are handed down level by level, however deep the parent lies', async () => {
    const mount = await scratchDirectory()
    for (const file of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(join(mount, file), '0-3\n')
    mkdirSync(join(mount, 'a'))
    writeFileSync(join(mount, 'a/cpuset.cpus'), '1\n')
    const hierarchies: Hierarchy[] = [{ version: 1, controllers: ['cpuset'], mount, self: '/' }]
    const { before } = cgroupSteps({ cgroupsPath: '/a/b/c', resources: {}, rootless: false }, hierarchies)
    const written = before.flatMap((step) => (step.do === 'write' ? [[step.path.slice(mount.length), step.text]] : []))
    assert.deepEqual(written.slice(0, 3), [
      ['/a/cpuset.cpus', '1'],
      ['/a/b/cpuset.cpus', '1'],
      ['/a/b/c/cpuset.cpus', '1'],
    ])
    assert.deepEqual(written.at(-1), ['/a/b/c/cpuset.mems', '0-3'])
  })

  it('of version 2 reach a group through every one above it, and none above the mount', () => {
    const hierarchies: Hierarchy[] = [{ version: 2, controllers: ['pids'], mount: '/cg', self: '/' }]
    const steps = (cgroupsPath: string) =>
      cgroupSteps({ cgroupsPath, resources: {}, rootless: false }, hierarchies).before.flatMap((step) =>
        step.do === 'write' ? [step.path] : [],
      )
    assert.deepEqual(
      steps('/a/b/c'),
      ['/cg', '/cg/a', '/cg/a/b'].map((path) => `${path}/cgroup.subtree_control`),
    )
    assert.deepEqual(steps('/c'), ['/cg/cgroup.subtree_control'])
  })

  it('that no hierarchy of the host can hold are refused, but for ordinary users', () => {
    const hierarchies: Hierarchy[] = [{ version: 1, controllers: ['pids'], mount: '/nowhere', self: '/' }]
    const request = { cgroupsPath: '/coracle/x', resources: limits }
    assert.throws(() => cgroupSteps({ ...request, rootless: false }, hierarchies), ControllerMissing)
    assert.doesNotThrow(() => cgroupSteps({ ...request, rootless: true }, hierarchies))
  })
})
