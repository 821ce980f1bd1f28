import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { refuseUnsupported } from '../../../src/linux/compile/refuse-unsupported.ts'
import { LaunchImpossible } from '../../../src/linux/errors.ts'
import type { LinuxSpec, NamespaceType, ProcessSpec, RuntimeSpec } from '../../../src/oci/runtime-spec.ts'

const OWN: readonly NamespaceType[] = ['mount', 'network', 'ipc']

function document(linux: LinuxSpec = {}, process: Partial<ProcessSpec> = {}): RuntimeSpec {
  return {
    ociVersion: '1.2.0',
    process: { args: ['/bin/true'], cwd: '/', user: { uid: 0, gid: 0 }, ...process },
    linux: { namespaces: OWN.map((type) => ({ type })), ...linux },
  }
}

function assertRefused(spec: RuntimeSpec, message: RegExp): void {
  assert.throws(
    () => refuseUnsupported(spec),
    (error) => error instanceof LaunchImpossible && message.test(error.message),
  )
}

describe('refuseUnsupported', () => {
  it('takes a plain document, labels that say nothing, and lists that are empty', () => {
    refuseUnsupported(document())
    refuseUnsupported(
      document({ mountLabel: '', timeOffsets: {} }, { apparmorProfile: 'unconfined', selinuxLabel: '' }),
    )
    refuseUnsupported({ ...document(), hooks: { prestart: [], poststop: [] } })
  })

  it('names what it would have to ignore', () => {
    assertRefused({ ...document(), hooks: { createRuntime: [{ path: '/bin/true' }] } }, /createRuntime/)
    assertRefused(document({ timeOffsets: { boottime: { secs: 60 } } }), /time offsets/)
    assertRefused(document({ mountLabel: 'system_u:object_r:container_file_t:s0' }), /mountLabel/)
    assertRefused(document({}, { apparmorProfile: 'docker-default' }), /apparmorProfile/)
    assertRefused(document({}, { selinuxLabel: 'system_u:system_r:container_t:s0' }), /selinuxLabel/)
    assertRefused(document({}, { scheduler: { policy: 'SCHED_BATCH' } }), /scheduler/)
    assertRefused(document({}, { ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 } }), /ioPriority/)
  })

  it('refuses maps of either kind of id on a mount', () => {
    const range = [{ containerID: 0, hostID: 1000, size: 1 }]
    for (const mapping of [{ uidMappings: range }, { gidMappings: range }])
      assertRefused({ ...document(), mounts: [{ destination: '/data', ...mapping }] }, /\/data maps ids/)
  })

  it('refuses a namespace that is listed twice, and a document without one for mounts', () => {
    assertRefused(
      document({ namespaces: [{ type: 'mount' }, { type: 'ipc' }, { type: 'ipc' }] }),
      /ipc namespace .* twice/,
    )
    assertRefused(document({ namespaces: [{ type: 'ipc' }] }), /mount namespace/)
  })

  it('takes sysctls that a namespace of the container holds, in both spellings', () => {
    const sysctl = {
      'net.ipv4.ip_forward': '1',
      'net/ipv4/conf/eth0.100/forwarding': '1',
      'kernel.shmmax': '1',
      'fs.mqueue.msg_max': '1',
    }
    refuseUnsupported(document({ sysctl }))
  })

  it('refuses sysctls of a namespace that is the host’s', () => {
    const shared = document({ namespaces: [{ type: 'mount' }], sysctl: { 'net.ipv4.ip_forward': '1' } })
    assertRefused(shared, /own network namespace/)
    assertRefused(
      document({ namespaces: [{ type: 'mount' }, { type: 'network' }], sysctl: { 'kernel.sem': '1' } }),
      /own ipc/,
    )
  })

  it('never lets a sysctl reach the whole machine, however it is spelled', () => {
    const part = fc.constantFrom(
      'kernel',
      'core_pattern',
      'vm',
      'overcommit_memory',
      'fs',
      'net',
      '',
      '..',
      'mqueue',
      'sem',
    )
    const separator = fc.constantFrom('.', '/', '..', '/../')
    const key = fc.tuple(fc.array(part, { minLength: 1, maxLength: 5 }), separator).map(([parts, by]) => parts.join(by))
    fc.assert(
      fc.property(key, (name) => {
        try {
          refuseUnsupported(document({ sysctl: { [name]: '1' } }))
        } catch (error) {
          assert(error instanceof LaunchImpossible)
          return
        }
        // What the step writes to: every dot of a key is a slash there.
        assert.match(
          `/proc/sys/${name.replaceAll('.', '/')}`,
          /^\/proc\/sys\/(?:net\/|fs\/mqueue\/|kernel\/sem$)(?!.*\/\/)/,
        )
      }),
    )
  })
})
