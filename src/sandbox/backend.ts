/** The `wasi` backend: WebAssembly in a process of its own, with nothing of the host in reach but what was granted. */
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildStep, CloneNamespace, EarlyStart, HostStep } from '../linux/plan.ts'
import { packageRoot } from '../package-root.ts'
import type { Bundle, IsolationBackend, LaunchPlan, Platform, Support } from '../plugins/contract.ts'
import { ModuleUnsupported } from './errors.ts'
import { makeJob, refusedFile } from './make-job.ts'
import { networkSteps } from './network-steps.ts'
import { prepareProgram } from './prepare-program.ts'
import type { Prepared } from './preview2/prepare.ts'
import { type MakeSteps, rootDirectory, rootSteps } from './root-steps.ts'
import { PLACES } from './walls/places.ts'
import { hostSteps, networkFiles, READABLE, type Shown, smallRootSteps, WRITABLE } from './walls/small-root.ts'
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
  /** Without it no runner is started before its container is known. */
  readonly early?: EarlyRunners
}

export interface EarlyRunners {
  /** A directory with all of PLACES in it, for all of them; undefined where none can be made. */
  smallRoot(): string | undefined
  /** Keeps the plan for whoever starts the next one. @returns it in binary form */
  keep(plan: LaunchPlan): Uint8Array
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
  const { rootless, network } = bundle
  const { enclosed, idMapSteps } = options
  const prepared = await prepareProgram(bundle, options.componentCache)
  const own = writeFiles(bundle, { enclosed, prepared })
  const mapped: CloneNamespace[] = rootless ? ['user'] : []
  const parts = { own, host: enclosed ? hostSteps(process.execPath) : [], runner: await runnerSteps(bundle, options) }
  const early = enclosed && mayBeEarly(bundle) ? earlyStart(bundle, options, parts) : undefined
  return {
    namespaces: enclosed ? [...mapped, ...wallNamespaces(bundle)] : [],
    before: [...bundle.cgroup.before, ...(network?.before ?? [])],
    after: [...(enclosed ? idMapSteps(bundle) : []), ...bundle.cgroup.after, ...(network?.after ?? [])],
    child: [...(enclosed ? ownPlaceSteps(bundle, options, parts) : []), ...parts.runner],
    ...(early !== undefined && { early }),
  }
}

/** Of a plan: what the host gives to its small root, what is the container's own there, and what becomes the runner in it. */
interface Parts {
  readonly host: readonly ChildStep[]
  readonly own: readonly Shown[]
  readonly runner: readonly ChildStep[]
}

/** In its own place, if it has one: from there to the program. */
async function runnerSteps(bundle: Bundle, { enclosed, compileFilter }: WasiBackendOptions): Promise<ChildStep[]> {
  const wall = { compileFilter, network: enclosed && hasNetwork(bundle), ownProcesses: enclosed }
  return [
    ...limitSteps(bundle),
    { do: 'session', terminal: bundle.spec.process?.terminal ?? false, console: false },
    ...(enclosed ? identitySteps(bundle) : []),
    ...(await wallSteps(bundle, process.execPath, wall)),
    { do: 'exec', file: process.execPath, argv: argvOf(bundle, enclosed ? PLACES.job : jobFile(bundle)), env: [] },
  ]
}

interface Known {
  readonly enclosed: boolean
  readonly prepared: Prepared | undefined
}

const jobFile = ({ directory }: Bundle): string => join(directory, 'wasi.json')

/** What the runner has beside the program, some of it made here; that is its own, whoever it is. */
function writeFiles(bundle: Bundle, { enclosed, prepared }: Known): Shown[] {
  const { rootfs } = bundle
  const [job, refused] = [jobFile(bundle), refusedFile(bundle)]
  const network = enclosed && hasNetwork(bundle)
  const seen = prepared !== undefined && { prepared: enclosed ? { ...prepared, path: PLACES.prepared } : prepared }
  const { uid = 0, gid = 0 } = bundle.spec.process?.user ?? {}
  for (const [path, text] of [
    [job, JSON.stringify({ ...makeJob(bundle, enclosed), network, ...seen })],
    [refused, ''],
  ] as const) {
    writeFileSync(path, text, { mode: 0o600 })
    if (!bundle.rootless) chownSync(path, uid, gid)
  }
  const readable = { flags: READABLE, recursive: false }
  return [
    { source: job, target: PLACES.job, ...readable },
    ...(rootfs.kind === 'module' ? [{ source: rootfs.path, target: PLACES.module, ...readable }] : []),
    ...(prepared === undefined ? [] : [{ source: prepared.path, target: PLACES.prepared, ...readable }]),
    { source: refused, target: PLACES.refused, flags: WRITABLE, recursive: false },
    { source: rootDirectory(bundle), target: PLACES.root, flags: WRITABLE, recursive: true },
  ]
}

function ownPlaceSteps(bundle: Bundle, options: WasiBackendOptions, { host, own }: Parts): ChildStep[] {
  // Of the new user namespace: what is made below belongs to it.
  const becomeRoot: ChildStep[] = bundle.rootless ? [{ do: 'user', uid: 0, gid: 0, groups: undefined }] : []
  const at = join(bundle.runDirectory, 'walls')
  mkdirSync(at, { recursive: true, mode: 0o755 })
  return [
    ...becomeRoot,
    ...networkSteps(bundle),
    ...rootSteps(bundle, options),
    ...smallRootSteps({ at, host, own: [...networkFiles(bundle), ...own] }),
  ]
}

/** Whose runner is like the next one's: root's, with a network namespace that is left as it is made, and memory that nobody counts from its first byte. */
function mayBeEarly(bundle: Bundle): boolean {
  const { spec, rootless, network } = bundle
  const { terminal = false, user } = spec.process ?? {}
  const limited = (spec.linux?.resources?.memory?.limit ?? 0) > 0
  const untouched = wallNamespaces(bundle).includes('network') && (network?.child ?? []).length === 0
  return !rootless && !terminal && !limited && (user?.uid ?? 0) === 0 && untouched
}

/** Clear of those that Node has when it starts. */
const GATE = 20

/** The same runner in two parts: what any container's has, kept for the next one to be started from, and what is this one's own. */
function earlyStart(bundle: Bundle, options: WasiBackendOptions, { host, own, runner }: Parts): EarlyStart | undefined {
  const { early } = options
  const at = early?.smallRoot()
  if (early === undefined || at === undefined) return undefined
  const child: ChildStep[] = [
    { do: 'propagation', path: '/', value: 'rprivate' },
    ...networkSteps(bundle),
    ...smallRootSteps({ at, host, own: [] }),
    ...runner.flatMap(atGate),
  ]
  return {
    plan: early.keep({ namespaces: wallNamespaces(bundle), before: [], after: [], child }),
    late: [
      { do: 'unshare', kinds: ['mount'] },
      ...rootSteps(bundle, options),
      ...[...networkFiles(bundle), ...own].map((shown): ChildStep => ({ do: 'lend', ...shown })),
      { do: 'done' },
    ],
  }
}

/** The gate comes before the limit of descriptors, and the program is told of it. */
function atGate(step: ChildStep): ChildStep[] {
  if (step.do === 'hold-program') return [{ do: 'gate', descriptor: GATE }, step]
  return step.do === 'exec' ? [{ ...step, argv: [...step.argv, String(GATE)] }] : [step]
}

/** But for descriptors, whose limit the walls set when they hold the program. */
function limitSteps({ spec }: Bundle): ChildStep[] {
  const limits = (spec.process?.rlimits ?? []).filter(({ type }) => type !== 'RLIMIT_NOFILE')
  return limits.map(({ type, soft, hard }) => ({ do: 'rlimit', resource: type, soft, hard }))
}

const MAX_PAGES = 65_536
const PAGE_BYTES = 65_536
/**
 * The collector's helpers take more time than they save: of JavaScript there is little, and what it leaves behind is small. V8's last
 * compiler takes several times as long as the one before it, for little: only what is called very often is worth that. And of where something was
 * thrown, most often because a file is not there, only the last function is ever told: that in which a module trapped.
 */
export const RUNNER_FLAGS: readonly string[] = [
  '--no-addons',
  '--no-warnings',
  '--single-threaded-gc',
  '--invocation-count-for-turbofan=60000',
  '--stack-trace-limit=1',
]
/** What Node takes of the container's memory beside the module's. */
const RUNNER_BYTES = 64 << 20

function argvOf({ spec }: Bundle, job: string): string[] {
  return [process.execPath, ...memoryFlags(spec.linux?.resources?.memory?.limit), ...RUNNER_FLAGS, runnerPath(), job]
}

/** None where nothing is limited: V8 takes compiled code (compiled.ts) with the very flags that it was made with alone. */
function memoryFlags(limit = 0): string[] {
  if (limit <= 0) return []
  // Less than all, so that a module learns that there is no more before the kernel kills it for having it.
  const linear = Math.max(limit - RUNNER_BYTES, limit / 4)
  return [`--wasm-max-mem-pages=${Math.max(1, Math.min(MAX_PAGES, Math.floor(linear / PAGE_BYTES)))}`]
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
