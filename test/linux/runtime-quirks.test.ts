import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { Hierarchy } from '../../src/linux/cgroups/hierarchies.ts'
import { LaunchImpossible } from '../../src/linux/errors.ts'
import { refuseHost, runtimeOptions } from '../../src/linux/runtime-quirks.ts'
import type { RuntimeSpec } from '../../src/oci/runtime-spec.ts'

type Namespaces = NonNullable<NonNullable<RuntimeSpec['linux']>['namespaces']>

const v1: Hierarchy = { version: 1, controllers: ['memory'], mount: '/sys/fs/cgroup/memory', self: '/' }
const v2: Hierarchy = { version: 2, controllers: ['hugetlb'], mount: '/sys/fs/cgroup/unified', self: '/' }

function document(namespaces: Namespaces): RuntimeSpec {
  return { ociVersion: '1.2.0', linux: { namespaces } }
}

describe('runtimeOptions', () => {
  it('tells runsc what network there is: none, the host’s, or that of a namespace', () => {
    const options = (...namespaces: Namespaces) => runtimeOptions('/usr/bin/runsc', document(namespaces))
    assert.deepEqual(options({ type: 'network' }), ['--network=none'])
    assert.deepEqual(options({ type: 'mount' }), ['--network=host'])
    assert.deepEqual(options({ type: 'network', path: '/proc/7/ns/net' }), [])
  })

  it('tells other runtimes nothing', () => {
    for (const program of ['/usr/sbin/runc', '/usr/bin/crun', '/opt/runsc/runtime'])
      assert.deepEqual(runtimeOptions(program, document([{ type: 'network' }])), [])
  })
})

describe('refuseHost', () => {
  it('does not let crun fail on a host of two versions, whatever its build is called', () => {
    for (const program of ['/usr/bin/crun', '/opt/crun-1.19', '/opt/crun.static'])
      assert.throws(() => refuseHost(program, [v1, v2]), LaunchImpossible)
  })

  it('lets crun run where one version controls all, and others everywhere', () => {
    refuseHost('/usr/bin/crun', [v1, { ...v2, controllers: [] }])
    refuseHost('/usr/bin/crun', [v2])
    refuseHost('/usr/sbin/runc', [v1, v2])
  })
})
