/**
 * `coracle/plugin/testing`: what every isolation backend promises, as tests for any runner:
 *
 * ```ts
 * import { it } from 'node:test'
 * import { backendSuite } from 'coracle/plugin/testing'
 * import create from './backend.js'
 *
 * for (const { title, run } of backendSuite(() => create(context))) it(title, run)
 * ```
 *
 * Nothing is started: plans are asked for and looked at, so it needs neither root nor Coracle.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  Bundle,
  CgroupControl,
  ContainerId,
  IsolationBackend,
  LaunchPlan,
  RunningContainer,
  RuntimeSpec,
} from './contract.ts'

export interface BackendTraits {
  /** The runtime behind it makes control groups of its own. */
  readonly ownGroups?: boolean
}

export interface BackendTest {
  /** A sentence. */
  readonly title: string
  /** Fails by throwing, as `node:assert` does. */
  run(): Promise<void>
}

type Open = () => IsolationBackend | Promise<IsolationBackend>

const id = 'f'.repeat(64) as ContainerId

/** @param open - makes the backend; called once for each test, or more often */
export function backendSuite(open: Open, traits: BackendTraits = {}): readonly BackendTest[] {
  return [
    ...supportTests(open),
    ...planTests(open, traits),
    {
      title: 'plans one more process, or says that it cannot',
      run: () =>
        withBundle(async (bundle) => {
          const backend = await open()
          const process = { args: ['/bin/id'], cwd: '/', user: { uid: 0, gid: 0 } }
          const plan = await planOr(() => backend.planExec(running(bundle), process))
          if (plan !== undefined) assert.equal(plan.child.at(-1)?.do, 'exec')
        }),
    },
    {
      title: 'destroys a container that never existed, twice, without complaint',
      run: async () => {
        const backend = await open()
        await backend.destroy(id)
        await backend.destroy(id)
      },
    },
  ]
}

function supportTests(open: Open): readonly BackendTest[] {
  return [
    {
      title: 'has a name',
      run: async () => assert.match((await open()).name, /^[a-z0-9][a-z0-9_.:/-]*$/),
    },
    {
      title: 'says why it refuses a platform it cannot run',
      run: async () => {
        const support = (await open()).check({ os: 'plan9', architecture: 'mips' })
        assert(!support.ok, 'plan9 on mips is supported?')
        assert(support.reason.includes('plan9'), support.reason)
      },
    },
  ]
}

function planTests(open: Open, { ownGroups = false }: BackendTraits): readonly BackendTest[] {
  return [
    {
      title: 'plans the same for the same bundle',
      run: () =>
        withBundle(async (bundle) => {
          const backend = await open()
          assert.deepEqual(await backend.plan(bundle), await backend.plan(bundle))
        }),
    },
    {
      title: 'ends a plan with a program',
      run: () =>
        withBundle(async (bundle) => {
          const { child } = await (await open()).plan(bundle)
          assert.equal(child.at(-1)?.do, 'exec')
          assert.equal(child.filter((step) => step.do === 'exec').length, 1, 'nothing comes after the program')
        }),
    },
    {
      title: ownGroups
        ? 'leaves control groups to its runtime'
        : 'puts its processes under the control groups of the bundle',
      run: () =>
        withBundle(async (bundle) => {
          const plan = await (await open()).plan(bundle)
          for (const part of ['before', 'after'] as const)
            for (const step of bundle.cgroup[part]) assert.equal(plan[part].includes(step), !ownGroups)
        }),
    },
    {
      title: 'leaves the spec of the bundle as it is',
      run: () =>
        withBundle(async (bundle) => {
          const before = structuredClone(bundle.spec)
          await (await open()).plan(bundle)
          assert.deepEqual(bundle.spec, before)
        }),
    },
  ]
}

/** A refusal is as good as a plan, if it is one of an error with a message. */
async function planOr(ask: () => Promise<LaunchPlan>): Promise<LaunchPlan | undefined> {
  try {
    return await ask()
  } catch (error) {
    assert(error instanceof Error && error.message !== '', String(error))
    assert(!(error instanceof TypeError || error instanceof ReferenceError), error)
    return undefined
  }
}

async function withBundle(test: (bundle: Bundle) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-backend-'))
  try {
    await test(makeBundle(directory))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function makeBundle(directory: string): Bundle {
  const at = (name: string) => join(directory, name)
  for (const name of ['upper', 'work', 'lower', 'rootfs']) mkdirSync(at(name))
  const spec: RuntimeSpec = {
    ociVersion: '1.1.0',
    process: { args: ['/bin/true'], cwd: '/', env: [], user: { uid: 0, gid: 0 } },
    root: { path: at('rootfs') },
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], cgroupsPath: `/coracle/${id}` },
  }
  return {
    id,
    directory,
    runDirectory: directory,
    spec,
    rootfs: { kind: 'layers', lower: [at('lower')], upper: at('upper'), work: at('work') },
    rootless: false,
    cgroup: {
      before: [{ do: 'cgroup', path: '/sys/fs/cgroup/coracle/test', remove: true }],
      after: [{ do: 'join-cgroup', path: '/sys/fs/cgroup/coracle/test' }],
    },
    init: false,
  }
}

function running({ directory, runDirectory, spec }: Bundle): RunningContainer {
  return { id, directory, runDirectory, spec, rootless: false, cgroup: noGroups, pid: process.pid, startTime: 0 }
}

const nothing = async () => {}
const noGroups: CgroupControl = {
  usage: async () => assert.fail('nobody asked for usage'),
  update: nothing,
  freeze: nothing,
  thaw: nothing,
  destroy: nothing,
}
