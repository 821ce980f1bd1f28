/**
 * An isolation backend: images in bubblewrap (https://github.com/containers/bubblewrap), by `run --runtime bwrap`.
 *
 * Coracle's own steps mount the root file system and what belongs into it, in a mount namespace that goes away with the
 * container: they follow no link out of the root, which bubblewrap would. Then bubblewrap makes the other namespaces, /proc and
 * /dev, drops capabilities, and starts the program.
 */
import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { defineBackend } from 'coracle/plugin'

/** @import { Bundle, ChildStep, IsolationBackend, LaunchPlan, MountSpec, RuntimeSpec } from 'coracle/plugin' */

export default defineBackend(({ name }) => createBackend(name))

/** @type {(name: string, program?: string) => IsolationBackend} */
export function createBackend(name, program = '/usr/bin/bwrap') {
  return {
    name,
    check({ os, architecture }) {
      if (os !== 'linux') return { ok: false, reason: `bubblewrap does not run ${os}/${architecture}` }
      if (process.geteuid?.() !== 0)
        return { ok: false, reason: 'this backend needs root', hint: 'call coracle as root' }
      if (!isExecutable(program))
        return { ok: false, reason: `${program} is not installed`, hint: 'apt install bubblewrap' }
      return { ok: true }
    },
    plan: async (bundle) => plan(bundle, program),
    async planExec() {
      throw refusal('bubblewrap lets no further process into a container', 'start it with what it is to run')
    },
    stats: ({ cgroup }) => cgroup.usage(),
    update: ({ cgroup }, resources) => cgroup.update(resources),
    pause: ({ cgroup }) => cgroup.freeze(),
    resume: ({ cgroup }) => cgroup.thaw(),
    async destroy() {}, // mounts and namespaces are gone with the last process, and its groups are Coracle's
  }
}

/** Coracle shows the hint under the message. @type {(message: string, hint: string) => Error} */
function refusal(message, hint) {
  return Object.assign(new Error(message), { hint })
}

/** @type {(path: string) => boolean} */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // which is all that was asked
  }
}

/** @type {(bundle: Bundle, program: string) => LaunchPlan} */
function plan({ spec, rootfs, directory, network, cgroup, init }, program) {
  const at = join(directory, 'rootfs')
  const terminal = spec.process?.terminal ?? false
  if (rootfs.kind === 'module') throw refusal('bubblewrap does not run WebAssembly', 'leave --runtime out')
  if (init) throw refusal('--init does not go with bubblewrap, which has an init of its own', 'leave it out')
  const { uid = 0, gid = 0 } = spec.process?.user ?? {}
  if (uid !== 0 || gid !== 0) throw refusal('this backend starts programs as root only', 'add --user 0')
  const path = spec.linux?.namespaces?.find(({ type }) => type === 'network')?.path
  return {
    namespaces: network === undefined ? ['mount'] : ['mount', 'network'],
    before: [...cgroup.before, ...(network?.before ?? [])],
    after: [...cgroup.after, ...(network?.after ?? [])],
    child: [
      ...(path === undefined ? [] : [/** @type {ChildStep} */ ({ do: 'enter', kind: 'network', path })]),
      { do: 'propagation', path: '/', value: 'rslave' },
      ...(network === undefined ? [] : [/** @type {ChildStep} */ ({ do: 'loopback-up' }), ...network.child]),
      rootfs.lower.length === 0
        ? { do: 'root-bind', at, source: rootfs.upper }
        : { do: 'root-overlay', at, lower: rootfs.lower, upper: rootfs.upper, work: rootfs.work, options: [] },
      ...(spec.mounts ?? []).flatMap(mountSteps),
      { do: 'session', terminal },
      { do: 'exec', file: program, argv: [program, ...words(spec, { at, connected: network !== undefined })], env: [] },
    ],
  }
}

/** Of file systems only memory; /proc and /dev are bubblewrap's. @type {(mount: MountSpec) => ChildStep[]} */
function mountSteps({ type = 'bind', source = '', destination: target, options = [], within, uidMappings }) {
  const flags = /** @type {const} */ (['ro', 'nosuid', 'nodev', 'noexec']).filter((flag) => options.includes(flag))
  if (/^\/(?:proc|sys|dev)(?:\/|$)/.test(target)) return []
  if (type === 'tmpfs') {
    const data = options.filter((word) => /^(?:size|mode|uid|gid|nr_inodes)=/.test(word)).join(',')
    return [{ do: 'mount', type, source: type, target, flags, data, create: 'directory', optional: false }]
  }
  if (type !== 'bind' || within !== undefined || uidMappings !== undefined)
    throw refusal(`what is to be mounted at ${target} does not go with bubblewrap`, 'leave it out, or --runtime')
  const all = options.includes('rro')
  return [
    {
      do: 'bind',
      source,
      target,
      recursive: options.includes('rbind'),
      flags: all ? ['ro', ...flags.filter((flag) => flag !== 'ro')] : flags,
      recursiveFlags: all,
      propagation: 'rprivate',
      create: existsSync(source) ? 'directory' : 'none',
      optional: false,
    },
  ]
}

/** @type {(spec: RuntimeSpec, place: { at: string, connected: boolean }) => string[]} */
function words({ process, hostname, root, linux }, { at, connected }) {
  const own = linux?.namespaces?.find(({ type }) => type === 'network')
  const alone = own !== undefined && own.path === undefined && !connected
  return [
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--die-with-parent'],
    ...(alone ? ['--unshare-net'] : []),
    ...(hostname === undefined ? [] : ['--hostname', hostname]),
    ...[root?.readonly ? '--ro-bind' : '--bind', at, '/', '--proc', '/proc', '--dev', '/dev'],
    ...['--cap-drop', 'ALL', ...(process?.capabilities?.bounding ?? []).flatMap((name) => ['--cap-add', name])],
    // Not as bubblewrap's own environment: an image could have something preloaded into it.
    ...['--clearenv', ...(process?.env ?? []).flatMap(setenv), '--chdir', process?.cwd ?? '/'],
    ...['--', ...(process?.args ?? [])],
  ]
}

/** @type {(pair: string) => string[]} */
function setenv(pair) {
  const at = pair.indexOf('=')
  return at < 1 ? [] : ['--setenv', pair.slice(0, at), pair.slice(at + 1)]
}
