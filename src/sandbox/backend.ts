/** The `wasi` backend: WebAssembly in a process of its own, with nothing of the host in reach but what was granted. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildStep } from '../linux/plan.ts'
import { packageRoot } from '../package-root.ts'
import type { Bundle, IsolationBackend, LaunchPlan, Platform, Support } from '../plugins/contract.ts'
import { ModuleUnsupported } from './errors.ts'
import { makeJob, refusedFile } from './make-job.ts'
import { networkSteps } from './network-steps.ts'
import { type MountSteps, rootDirectory, rootSteps } from './root-steps.ts'
import { smallRootSteps } from './walls/small-root.ts'
import { type CompileFilter, wallNamespaces, wallSteps } from './walls/walls.ts'

const OPERATING_SYSTEMS = new Set(['wasi', 'wasip1', 'wasip2'])
const ARCHITECTURES = new Set(['wasm', 'wasm32', 'wasm64'])

export interface WasiBackendOptions {
  readonly mountSteps: MountSteps
  readonly compileFilter: CompileFilter
}

export function createWasiBackend(options: WasiBackendOptions): IsolationBackend {
  return {
    name: 'wasi',
    check,
    plan: (bundle) => plan(bundle, options),
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

async function plan(bundle: Bundle, { mountSteps, compileFilter }: WasiBackendOptions): Promise<LaunchPlan> {
  const { spec, directory, rootless, rootfs, network } = bundle
  const jobPath = join(directory, 'wasi.json')
  writeFileSync(jobPath, JSON.stringify(makeJob(bundle)), { mode: 0o600 })
  const refused = refusedFile(bundle)
  writeFileSync(refused, '', { mode: 0o600 })
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
  const files = [jobPath, ...(rootfs.kind === 'module' ? [rootfs.path] : [])]
  return {
    // An ordinary user gets the same by a user namespace of its own, where that is allowed; the memory sandbox holds anyway.
    namespaces: rootless ? [] : wallNamespaces(bundle),
    before: [...bundle.cgroup.before, ...(network?.before ?? [])],
    after: [...bundle.cgroup.after, ...(network?.after ?? [])],
    child: [
      ...(rootless
        ? []
        : [
            ...networkSteps(bundle),
            ...rootSteps(bundle, mountSteps),
            ...smallRootSteps(bundle, {
              program: process.execPath,
              files,
              writable: [refused],
              container: rootDirectory(bundle),
            }),
          ]),
      ...(spec.process?.rlimits ?? []).map(
        ({ type, soft, hard }): ChildStep => ({ do: 'rlimit', resource: type, soft, hard }),
      ),
      { do: 'session', terminal: spec.process?.terminal ?? false, console: false },
      ...(rootless ? [] : [NO_CAPABILITIES]),
      ...(await wallSteps(bundle, process.execPath, {
        compileFilter,
        network: hasNetwork(bundle),
        ownProcesses: !rootless,
      })),
      { do: 'exec', file: process.execPath, argv, env: [] },
    ],
  }
}

/** One of its own that leads somewhere, or somebody else's. */
function hasNetwork({ spec, network, rootless }: Bundle): boolean {
  const namespace = (spec.linux?.namespaces ?? []).find(({ type }) => type === 'network')
  return !rootless && (network !== undefined || namespace?.path !== undefined || namespace === undefined)
}

const NO_CAPABILITIES: ChildStep = {
  do: 'capabilities',
  bounding: 0n,
  effective: 0n,
  permitted: 0n,
  inheritable: 0n,
  ambient: 0n,
}

/** Sources when sources run; a bundle moves this file, but never the runner, which is started by its path. */
function runnerPath(): string {
  return import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, 'runner.entry.ts')
    : join(packageRoot, 'dist', 'sandbox', 'runner.entry.js')
}
