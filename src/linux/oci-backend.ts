/**
 * The `oci` backend: the same bundle in any installed OCI runtime. Its root is mounted in a private mount namespace, in which
 * the runtime runs in the foreground under our supervisor: when it ends, no mount is left.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import type {
  Bundle,
  CgroupControl,
  IsolationBackend,
  LaunchPlan,
  RunningContainer,
  RuntimeSpec,
  Support,
} from '../plugins/contract.ts'
import { randomHex } from '../util/random.ts'
import { LaunchImpossible, RuntimeFailed, RuntimeMissing } from './errors.ts'
import type { ChildStep } from './plan.ts'

export interface OciBackendOptions {
  /** Name on PATH, or absolute path: `runc`, `crun`, `runsc`. */
  readonly runtime: string
  /** The runtime's own state (`--root`). */
  readonly stateDirectory: string
}

const run = promisify(execFile)

/** @throws {RuntimeMissing} no such program is installed */
export function createOciBackend(options: OciBackendOptions): IsolationBackend {
  const program = findProgram(options.runtime)
  const call = async (...args: string[]) => {
    try {
      return await run(program, ['--root', options.stateDirectory, ...args])
    } catch (error) {
      throw new RuntimeFailed(options.runtime, error)
    }
  }
  return {
    name: `oci:${options.runtime}`,
    check: ({ os, architecture }): Support =>
      os === 'linux'
        ? { ok: true }
        : { ok: false, reason: `the runtime ${options.runtime} does not run ${os}/${architecture}` },
    plan: async (bundle) => plan(bundle, program, options),
    planExec: async (container, process) => planExec(container, { process, program, options }),
    stats: async (container) => (await groupsOf(container)).usage(),
    update: async (container, resources) => (await groupsOf(container)).update(resources),
    pause: async ({ id }) => void (await call('pause', id)),
    resume: async ({ id }) => void (await call('resume', id)),
    destroy: async (id) => {
      // A runtime that never saw it says so with an error: what counts is that it is gone.
      const { stdout } = await call('list', '-q').catch(() => ({ stdout: '' }))
      if (stdout.split('\n').includes(id)) await call('delete', '--force', id)
    },
  }
}

async function plan(bundle: Bundle, program: string, options: OciBackendOptions): Promise<LaunchPlan> {
  const { spec, rootfs, directory, id, network } = bundle
  const { stateDirectory } = options
  refuseBundle(bundle, options)
  if (rootfs.kind === 'module')
    throw new LaunchImpossible('a WebAssembly module needs the wasi backend', 'leave --runtime out')
  const { readHierarchies } = await import('./cgroups/hierarchies.ts')
  const { refuseHost, runtimeOptions } = await import('./runtime-quirks.ts')
  refuseHost(program, readHierarchies())
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
  const at = join(directory, 'rootfs')
  // A directory of its own: `config.json` of the bundle stays as the engine wrote it.
  const adapted = join(directory, 'oci')
  mkdirSync(adapted, { recursive: true, mode: 0o700 })
  const own = adaptSpec(spec, { at, shared: network !== undefined })
  writeFileSync(join(adapted, 'config.json'), JSON.stringify(own))
  const root: ChildStep =
    rootfs.lower.length === 0
      ? { do: 'root-bind', at, source: rootfs.upper }
      : { do: 'root-overlay', at, lower: rootfs.lower, upper: rootfs.upper, work: rootfs.work, options: [] }
  const terminal = spec.process?.terminal ?? false
  return {
    namespaces: network === undefined ? ['mount'] : ['mount', 'network'],
    before: network?.before ?? [],
    after: network?.after ?? [],
    child: [
      { do: 'propagation', path: '/', value: 'rslave' },
      ...(network === undefined ? [] : [LOOPBACK, ...network.child, ...networkSysctls(spec)]),
      root,
      ...execSteps(
        [program, '--root', stateDirectory, ...runtimeOptions(program, own), 'run', '--bundle', adapted, id],
        terminal,
      ),
    ],
  }
}

/** The runtime looks it up itself. */
const OWN_NETWORK = { type: 'network', path: '/proc/self/ns/net' } as const

const LOOPBACK: ChildStep = { do: 'loopback-up' }

/** A runtime does not set them in a network namespace that is there already. The root is still the host's: so is /proc. */
function networkSysctls({ linux }: RuntimeSpec): ChildStep[] {
  return Object.entries(linux?.sysctl ?? {}).flatMap(([key, value]): ChildStep[] =>
    key.startsWith('net.') ? [{ do: 'sysctl', key, value }] : [],
  )
}

/** What belongs to our own launcher and no runtime does for us. */
function refuseBundle({ rootless, init, spec }: Bundle, { runtime }: OciBackendOptions): void {
  const refuse = (what: string) => {
    throw new LaunchImpossible(`${what} does not go with --runtime ${runtime}`, 'leave one of them out')
  }
  // Runtimes leave out without a word what they do not know: mappings of mounts, before runc 1.2, and what is ours.
  if (spec.mounts?.some(({ within }) => within !== undefined)) refuse('volume-subpath')
  if (spec.mounts?.some(({ uidMappings }) => uidMappings !== undefined)) refuse('idmap')
  if (rootless)
    throw new LaunchImpossible(
      `--runtime ${runtime} needs root: its mounts are made before it starts`,
      'leave --runtime out, or call coracle as root',
    )
  if (init) refuse('--init')
}

/** @param place.shared - the runtime itself runs in the container's network, which is there before the container is */
function adaptSpec(spec: RuntimeSpec, { at, shared }: { readonly at: string; readonly shared: boolean }): RuntimeSpec {
  const { linux } = spec
  const adapted = { ...spec, root: { ...spec.root, path: at } }
  if (linux === undefined) return adapted
  const { cgroupsPath, namespaces = [], sysctl = {} } = linux
  const others = Object.fromEntries(Object.entries(sysctl).filter(([key]) => !key.startsWith('net.')))
  return {
    ...adapted,
    linux: {
      ...linux,
      ...(cgroupsPath !== undefined && { cgroupsPath: runtimeGroup(cgroupsPath) }),
      ...(shared && { sysctl: others }),
      namespaces: shared ? namespaces.map((one) => (one.type === 'network' ? OWN_NETWORK : one)) : namespaces,
    },
  }
}

/** Runtimes remove a container's group but not the one above it: ours would stay behind, empty. */
function runtimeGroup(cgroupsPath: string): string {
  return cgroupsPath.replace(/^\/coracle\/(?=[^/]+$)/, '/coracle-')
}

/** The groups that the runtime made: an absolute path is, to them, one from the hierarchy's root, wherever we are. */
async function groupsOf({ id, spec }: RunningContainer): Promise<CgroupControl> {
  const { openCgroupControl } = await import('./cgroups/control.ts')
  const { readHierarchies } = await import('./cgroups/hierarchies.ts')
  const hierarchies = readHierarchies().map((hierarchy) => ({ ...hierarchy, self: '/' }))
  return openCgroupControl(runtimeGroup(spec.linux?.cgroupsPath ?? `/coracle/${id}`), hierarchies)
}

function planExec(
  { id, runDirectory }: RunningContainer,
  request: {
    readonly process: Parameters<IsolationBackend['planExec']>[1]
    readonly program: string
    readonly options: OciBackendOptions
  },
): LaunchPlan {
  const { process, program, options } = request
  const file = join(runDirectory, `oci-${randomHex(8)}.json`) // it goes away with the directory
  writeFileSync(file, JSON.stringify(process), { mode: 0o600 })
  const argv = [program, '--root', options.stateDirectory, 'exec', '--process', file, id]
  return { namespaces: [], before: [], after: [], child: execSteps(argv, process.terminal ?? false, false) }
}

/** @param console - in a mount namespace of its own the terminal is shown as /dev/console; the host's stays what it is */
function execSteps(argv: readonly string[], terminal: boolean, console = true): ChildStep[] {
  const [file = ''] = argv
  const env = [`PATH=${process.env['PATH'] ?? ''}`, `XDG_RUNTIME_DIR=${process.env['XDG_RUNTIME_DIR'] ?? ''}`]
  return [
    { do: 'session', terminal, ...(console ? {} : { console }) },
    { do: 'exec', file, argv, env },
  ]
}

/** @throws {RuntimeMissing} */
export function findProgram(runtime: string): string {
  const candidates = isAbsolute(runtime)
    ? [runtime]
    : [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].map((directory) => join(directory, runtime))
  if (runtime.includes('/') && !isAbsolute(runtime)) throw new RuntimeMissing(runtime)
  const found = candidates.find(isExecutable)
  if (found === undefined) throw new RuntimeMissing(runtime)
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
