/** The `wasi` backend: WebAssembly in a process of its own, with nothing of the host in reach. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildStep, CloneNamespace } from '../linux/plan.ts'
import { packageRoot } from '../package-root.ts'
import type { Bundle, IsolationBackend, LaunchPlan, Platform, Support } from '../plugins/contract.ts'
import { ModuleUnsupported } from './errors.ts'
import type { WasiJob } from './job.ts'

const OPERATING_SYSTEMS = new Set(['wasi', 'wasip1', 'wasip2'])
const ARCHITECTURES = new Set(['wasm', 'wasm32', 'wasm64'])

export function createWasiBackend(): IsolationBackend {
  return {
    name: 'wasi',
    check,
    plan,
    planExec: async () => {
      throw new ModuleUnsupported('exec is not possible in a WebAssembly container: it has only its module')
    },
    stats: (container) => container.cgroup.usage(),
    update: (container, resources) => container.cgroup.update(resources),
    pause: (container) => container.cgroup.freeze(),
    resume: (container) => container.cgroup.thaw(),
    destroy: async () => {}, // namespaces end with the process, control groups with the supervisor
  }
}

/** Also a native platform is accepted: an annotation may send an image here, into the stricter place. */
function check({ os, architecture }: Platform): Support {
  if (OPERATING_SYSTEMS.has(os) || ARCHITECTURES.has(architecture) || os === 'linux') return { ok: true }
  return { ok: false, reason: `${os}/${architecture} is no WebAssembly platform`, hint: 'the sandbox runs wasi/wasm' }
}

const MAX_PAGES = 65_536
const PAGE_BYTES = 65_536

async function plan(bundle: Bundle): Promise<LaunchPlan> {
  const { spec, directory, rootless } = bundle
  refuseBinds(bundle)
  const jobPath = join(directory, 'wasi.json')
  writeFileSync(jobPath, JSON.stringify(makeJob(bundle)), { mode: 0o600 })
  const limit = spec.linux?.resources?.memory?.limit ?? 0
  const pages = limit > 0 ? Math.max(1, Math.min(MAX_PAGES, Math.floor(limit / PAGE_BYTES))) : MAX_PAGES
  const argv = [
    process.execPath,
    `--wasm-max-mem-pages=${pages}`,
    '--no-addons',
    '--no-warnings',
    runnerPath(),
    jobPath,
  ]
  return {
    // An ordinary user gets the same by a user namespace of its own, where that is allowed; the memory sandbox holds anyway.
    namespaces: rootless ? [] : ownNamespaces(bundle),
    before: bundle.cgroup.before,
    after: bundle.cgroup.after,
    child: [
      ...(rootless ? [] : rootSteps(bundle)),
      ...(spec.process?.rlimits ?? []).map(
        ({ type, soft, hard }): ChildStep => ({ do: 'rlimit', resource: type, soft, hard }),
      ),
      { do: 'session', terminal: spec.process?.terminal ?? false },
      { do: 'no-new-privileges' },
      ...(rootless ? [] : [NO_CAPABILITIES]),
      { do: 'exec', file: process.execPath, argv, env: [] },
    ],
  }
}

const NO_CAPABILITIES: ChildStep = {
  do: 'capabilities',
  bounding: 0n,
  effective: 0n,
  permitted: 0n,
  inheritable: 0n,
  ambient: 0n,
}

/** Not pid: the runner would be the init of nobody; its descendants die with the control group. */
function ownNamespaces({ spec }: Bundle): CloneNamespace[] {
  const wanted = new Set(
    (spec.linux?.namespaces ?? []).filter(({ path }) => path === undefined).map(({ type }) => type),
  )
  return (['mount', 'network', 'ipc', 'uts'] as const).filter((kind) => kind === 'mount' || wanted.has(kind))
}

/** The layers merged by the kernel, read-only: opaque directories are marked in ways that Node cannot read. */
function rootSteps({ rootfs, directory }: Bundle): ChildStep[] {
  const isolate: ChildStep = { do: 'propagation', path: '/', value: 'rprivate' }
  if (rootfs.kind === 'module') return [isolate]
  const at = join(directory, 'rootfs')
  const [only, ...others] = rootfs.lower
  if (only === undefined) return [isolate]
  // An overlay wants two directories at least.
  const root: ChildStep =
    others.length === 0
      ? { do: 'root-bind', at, source: only }
      : { do: 'root-overlay', at, lower: rootfs.lower, options: [] }
  return [isolate, root]
}

function makeJob({ spec, rootfs, directory, rootless }: Bundle): WasiJob {
  const { args = [], env = [], cwd = '/' } = spec.process ?? {}
  const shared = { args, env, cwd }
  if (rootfs.kind === 'module') return { ...shared, layers: [], module: rootfs.path }
  return { ...shared, layers: rootless ? rootfs.lower : [join(directory, 'rootfs')] }
}

/** What a user binds must be visible or refused: files of the host are out of this engine's reach. */
function refuseBinds({ spec, directory }: Bundle): void {
  const foreign = (spec.mounts ?? []).find(
    ({ type, options = [], source = '' }) =>
      (type === 'bind' || type === 'overlay' || options.some((word) => /^r?bind$/.test(word))) &&
      !source.startsWith(`${directory}/`) &&
      !SYSTEM.test(source),
  )
  if (foreign === undefined) return
  throw new ModuleUnsupported(
    `${foreign.source} cannot be bound into a WebAssembly container: its files are in memory`,
    'put the files into the image',
  )
}

/** Of the host's that the engine adds by itself. */
const SYSTEM = /^\/(?:sys|proc|dev)(?:\/|$)/

/** Sources when sources run; a bundle moves this file, but never the runner, which is started by its path. */
function runnerPath(): string {
  return import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, 'runner.entry.ts')
    : join(packageRoot, 'dist', 'sandbox', 'runner.entry.js')
}
