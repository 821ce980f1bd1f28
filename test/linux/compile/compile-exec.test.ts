import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { compileExecPlan } from '../../../src/linux/compile/compile-exec.ts'
import type { CgroupControl, ContainerId, RunningContainer } from '../../../src/plugins/contract.ts'

const container: RunningContainer = {
  id: 'e'.repeat(64) as ContainerId,
  directory: '/data/c',
  runDirectory: '/run/c',
  spec: {
    ociVersion: '1.1.0',
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'user' }, { type: 'network' }],
      cgroupsPath: '/coracle-of-nobody/x',
    },
  },
  rootless: true,
  cgroup: {} as CgroupControl,
  pid: 42,
  startTime: 7,
}
type Namespaces = NonNullable<RunningContainer['spec']['linux']>['namespaces']
const plan = (namespaces: Namespaces = container.spec.linux?.namespaces) =>
  compileExecPlan(
    { ...container, spec: { ...container.spec, linux: { ...container.spec.linux, namespaces: namespaces ?? [] } } },
    { args: ['id'], cwd: '/', user: { uid: 0, gid: 0 } },
    { seccomp: undefined, mapHelpers: true },
  )

describe('compileExecPlan', () => {
  it('enters all namespaces of the process at once, whose pid and start time are checked', () => {
    assert.deepEqual(plan().before, [{ do: 'target', pid: 42, startTime: 7, pidNamespace: false }])
    assert.deepEqual(plan().child[0], { do: 'enter-target', kinds: ['user', 'network', 'mount', 'pid'] })
  })

  it('forks in a pid namespace that only who is in the user namespace may enter', () => {
    assert.deepEqual(plan().child[1], { do: 'init' })
  })

  it('is born in a pid namespace of the host’s own users', () => {
    const { before, child } = plan([{ type: 'mount' }, { type: 'pid' }])
    assert.deepEqual(before, [{ do: 'target', pid: 42, startTime: 7, pidNamespace: true }])
    assert.deepEqual(child[0], { do: 'enter-target', kinds: ['mount'] })
    assert(!child.some((step) => step.do === 'init'))
  })

  it('makes nothing in the container: no directory, no console', () => {
    const steps = plan().child
    assert(steps.some((step) => step.do === 'session' && step.console === false))
    assert(steps.some((step) => step.do === 'cwd' && !step.create))
  })

  it('joins no group that the container does not have', () => {
    assert.deepEqual(plan().after, [])
  })
})
