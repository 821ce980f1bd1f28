/** The `wasi` backend: WebAssembly in a process of its own, with nothing of the host in reach but what was granted. */
import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildStep, CloneNamespace, HostStep } from '../linux/plan.ts'
import { packageRoot } from '../package-root.ts'
import type { Bundle, IsolationBackend, LaunchPlan, Platform, Support } from '../plugins/contract.ts'
import { ModuleUnsupported } from './errors.ts'
import { makeJob, refusedFile } from './make-job.ts'
import { networkSteps } from './network-steps.ts'
import { prepareProgram } from './prepare-program.ts'
import type { Prepared } from './preview2/prepare.ts'
import { type MakeSteps, rootDirectory, rootSteps } from './root-steps.ts'
import { smallRootSteps } from './walls/small-root.ts'
import { type CompileFilter, wallNamespaces, wallSteps } from './walls/walls.ts'

const OPERATING_SYSTEMS = new Set(['wasi', 'wasip1', 'wasip2'])
const ARCHITECTURES = new Set(['wasm', 'wasm32', 'wasm64'])

export interface WasiBackendOptions extends MakeSteps {
  /** Whether namespaces can be made here; without them there is the memory sandbox and the filter of system calls. */
  readonly enclosed: boolean
  /** Of a user namespace, which an ordinary user needs for all others. */
  readonly idMapSteps: (bundle: Bundle) => readonly HostStep[]
  readonly compileFilter: CompileFilter
  /** Directory of what components have been made into; without it the runner does that at each start. */
  readonly componentCache?: string
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

async function plan(bundle: Bundle, options: WasiBackendOptions): Promise<LaunchPlan> {
  const { spec, rootless, network } = bundle
  const { enclosed, idMapSteps, compileFilter } = options
  const prepared = await prepareProgram(bundle, options.componentCache)
  const files = writeFiles(bundle, { enclosed, prepared })
  const mapped: CloneNamespace[] = rootless ? ['user'] : []
  return {
    namespaces: enclosed ? [...mapped, ...wallNamespaces(bundle)] : [],
    before: [...bundle.cgroup.before, ...(network?.before ?? [])],
    after: [...(enclosed ? idMapSteps(bundle) : []), ...bundle.cgroup.after, ...(network?.after ?? [])],
    child: [
      ...(enclosed ? ownPlaceSteps(bundle, options, files) : []),
      ...limitSteps(bundle),
      { do: 'session', terminal: spec.process?.terminal ?? false, console: false },
      ...(enclosed ? identitySteps(bundle) : []),
      ...(await wallSteps(bundle, process.execPath, {
        compileFilter,
        network: enclosed && hasNetwork(bundle),
        ownProcesses: enclosed,
      })),
      { do: 'exec', file: process.execPath, argv: argvOf(bundle, files.job), env: [] },
    ],
  }
}

interface Known {
  readonly enclosed: boolean
  readonly prepared: Prepared | undefined
}

interface Files {
  readonly job: string
  readonly refused: string
  readonly prepared: readonly string[]
}

/** Those that the runner has beside the container's; they are its own, whoever that is. */
function writeFiles(bundle: Bundle, { enclosed, prepared }: Known): Files {
  const files = {
    job: join(bundle.directory, 'wasi.json'),
    refused: refusedFile(bundle),
    prepared: prepared === undefined ? [] : [prepared.path],
  }
  const network = enclosed && hasNetwork(bundle)
  const job = { ...makeJob(bundle, enclosed), network, ...(prepared !== undefined && { prepared }) }
  const { uid = 0, gid = 0 } = bundle.spec.process?.user ?? {}
  for (const [path, text] of [
    [files.job, JSON.stringify(job)],
    [files.refused, ''],
  ] as const) {
    writeFileSync(path, text, { mode: 0o600 })
    if (!bundle.rootless) chownSync(path, uid, gid)
  }
  return files
}

function ownPlaceSteps(bundle: Bundle, options: WasiBackendOptions, { job, refused, prepared }: Files): ChildStep[] {
  const { rootfs, rootless } = bundle
  // Of the new user namespace: what is made below belongs to it.
  const becomeRoot: ChildStep[] = rootless ? [{ do: 'user', uid: 0, gid: 0, groups: undefined }] : []
  const smallRoot = {
    program: process.execPath,
    files: [job, ...prepared, ...(rootfs.kind === 'module' ? [rootfs.path] : [])],
    writable: [refused],
    container: rootDirectory(bundle),
  }
  return [...becomeRoot, ...networkSteps(bundle), ...rootSteps(bundle, options), ...smallRootSteps(bundle, smallRoot)]
}

/** But for descriptors, whose limit the walls set when they hold the program. */
function limitSteps({ spec }: Bundle): ChildStep[] {
  const limits = (spec.process?.rlimits ?? []).filter(({ type }) => type !== 'RLIMIT_NOFILE')
  return limits.map(({ type, soft, hard }) => ({ do: 'rlimit', resource: type, soft, hard }))
}

const MAX_PAGES = 65_536
const PAGE_BYTES = 65_536
/** What Node takes of the container's memory beside the module's. */
const RUNNER_BYTES = 64 << 20

function argvOf({ spec }: Bundle, job: string): string[] {
  const limit = spec.linux?.resources?.memory?.limit ?? 0
  // Less than all, so that a module learns that there is no more before the kernel kills it for having it.
  const linear = Math.max(limit - RUNNER_BYTES, limit / 4)
  const pages = limit > 0 ? Math.max(1, Math.min(MAX_PAGES, Math.floor(linear / PAGE_BYTES))) : MAX_PAGES
  const flags = [`--wasm-max-mem-pages=${pages}`, '--no-addons', '--no-warnings']
  return [process.execPath, ...flags, runnerPath(), job]
}

/** Whose the files are that a module makes. An ordinary user stays root of the user namespace, which is that user outside. */
function identitySteps({ spec, rootless }: Bundle): ChildStep[] {
  const { uid = 0, gid = 0, additionalGids: groups = [] } = spec.process?.user ?? {}
  return rootless ? [NO_CAPABILITIES] : [{ do: 'user', uid, gid, groups }, NO_CAPABILITIES]
}

/** One of its own that leads somewhere, or somebody else's. */
function hasNetwork({ spec, network }: Bundle): boolean {
  const namespace = (spec.linux?.namespaces ?? []).find(({ type }) => type === 'network')
  return (network !== undefined && network.standby !== true) || namespace?.path !== undefined || namespace === undefined
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
