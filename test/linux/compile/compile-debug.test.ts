import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { besideRunning, besideStopped } from '../../../src/linux/compile/compile-debug.ts'
import type { ChildStep, LaunchPlan } from '../../../src/linux/plan.ts'
import type { CgroupControl, ContainerId, RunningContainer } from '../../../src/plugins/contract.ts'

const child: ChildStep[] = [
  { do: 'propagation', path: '/', value: 'rslave' },
  { do: 'root-overlay', at: '/tools/rootfs', lower: ['/tools'], upper: '/u', work: '/w', options: [] },
  { do: 'move-root', at: '/tools/rootfs' },
  { do: 'exec', file: 'sh', argv: ['sh'], env: [] },
]
const tools: LaunchPlan = {
  namespaces: ['mount'],
  before: [],
  after: [{ do: 'map-ids', uids: [], gids: [], helpers: false }],
  child,
}

function container(kinds: readonly ('mount' | 'pid' | 'user' | 'network')[]): RunningContainer {
  return {
    id: 'e'.repeat(64) as ContainerId,
    directory: '/data/c',
    runDirectory: '/run/c',
    spec: { ociVersion: '1.1.0', linux: { namespaces: kinds.map((type) => ({ type })) } },
    rootless: false,
    cgroup: {} as CgroupControl,
    pid: 42,
    startTime: 7,
  }
}

const names = (plan: LaunchPlan) => plan.child.map((step) => step.do)

describe('besideRunning', () => {
  it('enters all namespaces but the mount namespace, of which it has its own', () => {
    const plan = besideRunning(tools, container(['mount', 'pid', 'network']), '/container')
    assert.deepEqual(plan.before, [{ do: 'target', pid: 42, startTime: 7, pidNamespace: true }])
    assert.deepEqual(plan.child.slice(0, 2), [
      { do: 'enter-target', kinds: ['network'] },
      { do: 'unshare', kinds: ['mount'] },
    ])
  })

  it('copies the other root before it leaves the host’s', () => {
    assert.deepEqual(names(besideRunning(tools, container(['mount']), '/container')).slice(2), [
      'propagation',
      'root-overlay',
      'bind-target',
      'move-root',
      'exec',
    ])
  })

  it('maps no ids, and forks, in a user namespace that is there already', () => {
    const plan = besideRunning(tools, container(['mount', 'pid', 'user']), '/container')
    assert.deepEqual(plan.after, [])
    assert.deepEqual(plan.child.slice(0, 2), [{ do: 'enter-target', kinds: ['user', 'pid'] }, { do: 'init' }])
  })
})

describe('besideStopped', () => {
  it('shows the files with what the container wrote on top, without a place to write to', () => {
    const plan = besideStopped(tools, { mount: '/m', lower: ['/upper', '/image'], options: [], at: '/container' })
    assert.deepEqual(plan.child[1], { do: 'root-overlay', at: '/m', lower: ['/upper', '/image'], options: [] })
    const bind = plan.child.find((step) => step.do === 'bind')
    assert(bind?.source === '/m' && bind.flags.includes('ro') && bind.target === '/container')
    assert(names(plan).indexOf('bind') < names(plan).indexOf('move-root'))
  })
})
