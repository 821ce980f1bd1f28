/** What `IsolationBackend` promises. Run for `linux`, `wasi` and `oci`, and by plugin authors for theirs. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { CoracleError } from '../../src/errors.ts'
import type { RuntimeSpec } from '../../src/oci/runtime-spec.ts'
import type {
  Bundle,
  CgroupControl,
  ContainerId,
  IsolationBackend,
  RunningContainer,
} from '../../src/plugins/contract.ts'
import { scratchDirectory } from '../support/scratch.ts'

export interface BackendTraits {
  /** The runtime behind it makes control groups of its own. */
  readonly ownGroups?: boolean
}

const id = 'f'.repeat(64) as ContainerId

export function describeBackend(name: string, open: () => Promise<IsolationBackend>, traits: BackendTraits = {}): void {
  describe(`the ${name} backend`, () => {
    it('says why it refuses a platform it cannot run', async () => {
      const support = (await open()).check({ os: 'plan9', architecture: 'mips' })
      assert(!support.ok && support.reason.includes('plan9'))
    })

    it('plans the same for the same bundle', async () => {
      const [backend, bundle] = [await open(), await makeBundle()]
      assert.deepEqual(await backend.plan(bundle), await backend.plan(bundle))
    })

    it('ends a plan with a program', async () => {
      const plan = await (await open()).plan(await makeBundle())
      assert.equal(plan.child.at(-1)?.do, 'exec')
    })

    it(
      traits.ownGroups ? 'leaves control groups to its runtime' : 'puts the control groups of the bundle first',
      async () => {
        const bundle = await makeBundle()
        const { before, after } = await (await open()).plan(bundle)
        for (const [planned, asked] of [
          [before, bundle.cgroup.before],
          [after, bundle.cgroup.after],
        ] as const)
          for (const step of asked) assert.equal(planned.includes(step), !traits.ownGroups)
      },
    )

    it('plans one more process, or says that it cannot', async () => {
      const backend = await open()
      const { directory, runDirectory, spec } = await makeBundle()
      const running: RunningContainer = {
        id,
        directory,
        runDirectory,
        spec,
        rootless: false,
        cgroup: noGroups,
        pid: process.pid,
        startTime: 0,
      }
      try {
        const plan = await backend.planExec(running, { args: ['/bin/id'], cwd: '/', user: { uid: 0, gid: 0 } })
        assert.equal(plan.child.at(-1)?.do, 'exec')
      } catch (error) {
        assert(error instanceof CoracleError, String(error))
      }
    })

    it('destroys a container that never existed, twice, without complaint', async () => {
      const backend = await open()
      await backend.destroy(id)
      await backend.destroy(id)
    })
  })
}

async function makeBundle(): Promise<Bundle> {
  const directory = await scratchDirectory('coracle-backend-')
  const [upper, work, lower] = ['upper', 'work', 'lower'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [upper, work, lower, join(directory, 'rootfs')]) mkdirSync(path)
  const spec: RuntimeSpec = {
    ociVersion: '1.1.0',
    process: { args: ['/bin/true'], cwd: '/', env: [], user: { uid: 0, gid: 0 } },
    root: { path: join(directory, 'rootfs') },
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], cgroupsPath: `/coracle/${id}` },
  }
  return {
    id,
    directory,
    runDirectory: directory,
    spec,
    rootfs: { kind: 'layers', lower: [lower], upper, work },
    rootless: false,
    cgroup: {
      before: [{ do: 'cgroup', path: '/sys/fs/cgroup/coracle/test', remove: true }],
      after: [{ do: 'join-cgroup', path: '/sys/fs/cgroup/coracle/test' }],
    },
    init: false,
  }
}

const nothing = async () => {}
const noGroups: CgroupControl = {
  usage: async () => assert.fail('nobody asked for usage'),
  update: nothing,
  freeze: nothing,
  thaw: nothing,
  destroy: nothing,
}
