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
  startTime: 0,
}
const plan = () =>
  compileExecPlan(
    container,
    { args: ['id'], cwd: '/', user: { uid: 0, gid: 0 } },
    { seccomp: undefined, mapHelpers: true },
  )

describe('compileExecPlan', () => {
  it('enters the user namespace first and the mount namespace last', () => {
    const entered = plan().child.flatMap((step) => (step.do === 'enter' ? [step.path] : []))
    assert.deepEqual(entered, ['/proc/42/ns/user', '/proc/42/ns/net', '/proc/42/ns/mnt'])
    assert.deepEqual(plan().before, [{ do: 'pid-namespace', path: '/proc/42/ns/pid' }])
  })

  it('joins no group that the container does not have', () => {
    assert.deepEqual(plan().after, [])
  })
})
