import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { LaunchImpossible, RuntimeMissing } from '../../src/linux/errors.ts'
import { createOciBackend } from '../../src/linux/oci-backend.ts'
import type { RuntimeSpec } from '../../src/oci/runtime-spec.ts'
import type { Bundle, ContainerId, LaunchPlan } from '../../src/plugins/contract.ts'
import { scratchDirectory } from '../support/scratch.ts'

async function makeBundle(linux: NonNullable<RuntimeSpec['linux']> = {}): Promise<Bundle> {
  const directory = await scratchDirectory()
  mkdirSync(join(directory, 'rootfs'))
  return {
    id: 'a'.repeat(64) as ContainerId,
    directory,
    runDirectory: directory,
    spec: { ociVersion: '1.1.0', linux },
    rootfs: { kind: 'layers', lower: [directory], upper: directory, work: directory },
    rootless: false,
    cgroup: { before: [], after: [] },
    init: false,
  }
}

function plan(bundle: Bundle): Promise<LaunchPlan> {
  return createOciBackend({ runtime: '/bin/false', stateDirectory: bundle.directory }).plan(bundle)
}

/** The group that a runtime is told to make for a container of that path. */
async function adaptedGroup(cgroupsPath: string): Promise<string | undefined> {
  const bundle = await makeBundle({ cgroupsPath })
  await plan(bundle)
  const adapted = JSON.parse(readFileSync(join(bundle.directory, 'oci/config.json'), 'utf8')) as RuntimeSpec
  return adapted.linux?.cgroupsPath
}

describe('createOciBackend', () => {
  it('asks the runtime for a group without a parent of ours, which nobody would remove', async () => {
    assert.equal(await adaptedGroup('/coracle/0123'), '/coracle-0123')
  })

  it('keeps the parent that a user named', async () => {
    assert.equal(await adaptedGroup('/mine/0123'), '/mine/0123')
    assert.equal(await adaptedGroup('/coracle/mine/0123'), '/coracle/mine/0123')
  })

  it('starts the runtime in the network of the container, where there is one', async () => {
    const bundle = await makeBundle({
      namespaces: [{ type: 'network' }, { type: 'pid' }],
      sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '9' },
    })
    const adapted = () => JSON.parse(readFileSync(join(bundle.directory, 'oci/config.json'), 'utf8')) as RuntimeSpec
    assert.deepEqual((await plan(bundle)).namespaces, ['mount'])
    assert.deepEqual(adapted().linux?.namespaces, [{ type: 'network' }, { type: 'pid' }])
    const link = { do: 'link-up', link: 'eth0' } as const
    const connected = await plan({ ...bundle, network: { before: [], after: [], child: [link] } })
    assert.deepEqual(connected.namespaces, ['mount', 'network'])
    const sysctl = { do: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' }
    assert.deepEqual(connected.child.slice(1, 4), [{ do: 'loopback-up' }, link, sysctl])
    assert.deepEqual(adapted().linux?.sysctl, { 'kernel.msgmax': '9' })
    const [network] = adapted().linux?.namespaces ?? []
    assert.deepEqual(network, { type: 'network', path: '/proc/self/ns/net' })
  })

  it('refuses what only our own launcher does, instead of leaving it out', async () => {
    const bundle = await makeBundle()
    await assert.rejects(plan({ ...bundle, init: true }), LaunchImpossible)
    await assert.rejects(plan({ ...bundle, rootless: true }), LaunchImpossible)
  })

  it('finds a runtime by its absolute path, and none that is not there', () => {
    const open = (runtime: string) => createOciBackend({ runtime, stateDirectory: '/nowhere' })
    assert.equal(open('/bin/false').name, 'oci:/bin/false')
    for (const runtime of ['no-such-runtime', '/no/such/runtime', './bin/false', '../false'])
      assert.throws(() => open(runtime), RuntimeMissing)
  })
})
