import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'mocha'
import { compileLaunchPlan } from '../../../src/linux/compile/compile-plan.ts'
import { LaunchImpossible } from '../../../src/linux/errors.ts'
import type { LaunchPlan } from '../../../src/linux/plan.ts'
import { formatPlan } from '../../../src/linux/print-plan.ts'
import type { RuntimeSpec } from '../../../src/oci/runtime-spec.ts'
import type { Bundle, ContainerId } from '../../../src/plugins/contract.ts'
import { assertGolden } from '../../support/golden.ts'

const DOCUMENTS = join(import.meta.dirname, '../../containers/golden')
const options = {
  seccomp: { program: new Uint8Array(16), flags: 0 },
  mapHelpers: true,
  cgroupMounts: [
    { name: 'cpu,cpuacct', version: 1, options: 'cpu,cpuacct', group: '/sys/fs/cgroup/cpu,cpuacct/coracle/c' },
    { name: 'systemd', version: 1, options: 'none,name=systemd' },
  ],
} as const

function document(name: string): RuntimeSpec {
  return JSON.parse(readFileSync(join(DOCUMENTS, `${name}.json`), 'utf8')) as RuntimeSpec
}

function bundleOf(spec: RuntimeSpec, rootless = false): Bundle {
  return {
    id: '0'.repeat(64) as ContainerId,
    directory: '/data/c',
    runDirectory: '/run/c',
    spec,
    rootfs: { kind: 'layers', lower: ['/layers/b', '/layers/a'], upper: '/data/c/upper', work: '/data/c/work' },
    rootless,
    cgroup: { before: [], after: [{ do: 'join-cgroup', path: '/sys/fs/cgroup/pids/coracle/c' }] },
    init: false,
  }
}

function compile(spec: RuntimeSpec): LaunchPlan {
  return compileLaunchPlan(bundleOf(spec), options)
}

function withProcess(process: Partial<NonNullable<RuntimeSpec['process']>>): RuntimeSpec {
  const spec = document('default')
  assert(spec.process !== undefined)
  return { ...spec, process: { ...spec.process, ...process } }
}

/** The steps named, as the plan orders them. */
function order(plan: LaunchPlan, ...names: string[]): string[] {
  return plan.child.map((step) => step.do).filter((name) => names.includes(name))
}

describe('compileLaunchPlan', () => {
  for (const name of readdirSync(DOCUMENTS).map((file) => basename(file, '.json'))) {
    it(`makes of the document "${name}" the plan on file, every time`, () => {
      const bundle = bundleOf(document(name), name === 'rootless')
      const plan = compileLaunchPlan(bundle, options)
      assertGolden(join(import.meta.dirname, `../golden/${name}.txt`), formatPlan(plan))
      assert.deepEqual(compileLaunchPlan(bundle, options), plan)
    })
  }

  it('filters before it gives rights up, where only rights allow a filter', () => {
    const plan = compile(withProcess({ noNewPrivileges: false }))
    assert.deepEqual(order(plan, 'seccomp', 'user', 'capabilities', 'exec'), [
      'seccomp',
      'user',
      'capabilities',
      'exec',
    ])
  })

  it('filters last of all where no privilege can be gained any more', () => {
    const plan = compile(withProcess({ noNewPrivileges: true }))
    const names = ['user', 'capabilities', 'no-new-privileges', 'seccomp', 'exec']
    assert.deepEqual(order(plan, ...names), names)
    assert.equal(plan.child.at(-2)?.do, 'seccomp')
  })

  it('sets sysctls before it makes /proc/sys read-only, and hides all before it moves in', () => {
    const spec = document('default')
    const plan = compile({ ...spec, linux: { ...spec.linux, sysctl: { 'net.ipv4.ip_forward': '1' } } })
    const names = plan.child.map((step) => step.do)
    assert(names.indexOf('sysctl') < names.indexOf('read-only'))
    assert(names.lastIndexOf('mask') < names.indexOf('move-root'))
    assert(names.indexOf('sysctl') >= 0 && names.indexOf('mask') >= 0)
  })

  it('takes the personality on before the filter, which may allow no change of it', () => {
    const spec = document('default')
    const plan = compile({ ...spec, linux: { ...spec.linux, personality: { domain: 'LINUX32' } } })
    assert.deepEqual(order(plan, 'personality', 'seccomp'), ['personality', 'seccomp'])
    assert.throws(
      () => compile({ ...spec, linux: { ...spec.linux, personality: { domain: 'LINUX', flags: ['x'] } } }),
      LaunchImpossible,
    )
  })

  it('shows no groups but the container’s own where the cgroup namespace is the host’s', () => {
    const spec = document('default')
    const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'cgroup')
    const plan = compile({ ...spec, linux: { ...spec.linux, namespaces } })
    const shown = plan.child.flatMap((step) =>
      step.do === 'bind' && step.target.startsWith('/sys') ? [step.source] : [],
    )
    assert.deepEqual(shown, ['/sys/fs/cgroup/cpu,cpuacct/coracle/c'])
    assert(!plan.child.some((step) => step.do === 'mount' && step.type === 'cgroup'))
  })

  it('cuts itself off from the host’s mounts before it makes any', () => {
    const names = compile(document('default')).child.map((step) => step.do)
    assert(names.indexOf('propagation') < names.indexOf('root-overlay'))
    assert(names.indexOf('propagation') >= 0)
  })

  it('refuses what this backend does not do', () => {
    const spec = document('default')
    const hooks = { prestart: [{ path: '/bin/true' }] }
    const refused: RuntimeSpec[] = [
      { ...spec, hooks },
      { ...spec, linux: { ...spec.linux, namespaces: [] } },
      { ...spec, linux: { ...spec.linux, rootfsPropagation: 'everywhere' } },
      withProcess({ args: [] }),
    ]
    for (const one of refused) assert.throws(() => compile(one), LaunchImpossible)
  })
})
