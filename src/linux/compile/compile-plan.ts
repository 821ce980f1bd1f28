/**
 * From a runtime-spec document to the launch plan of a container's first process. Pure: the same bundle gives the same
 * plan. The order of steps is the point of this file; each surprise says why.
 */
import type { Bundle, LaunchPlan, RuntimeSpec } from '../../plugins/contract.ts'
import { LaunchImpossible } from '../errors.ts'
import type { ChildStep, CloneNamespace, HostStep, NamespaceKind } from '../plan.ts'
import { deviceSteps } from './devices.ts'
import { hideSteps } from './hide.ts'
import { idMapSteps } from './id-maps.ts'
import { mountSteps } from './mounts.ts'
import type { CompileOptions } from './options.ts'
import { oomSteps, processSteps } from './process.ts'
import { refuseUnsupported } from './refuse-unsupported.ts'

const CLONED: readonly CloneNamespace[] = ['user', 'pid', 'mount', 'network', 'ipc', 'uts']

/** @throws {LaunchImpossible} the document asks for something this backend does not do */
export function compileLaunchPlan(bundle: Bundle, options: CompileOptions): LaunchPlan {
  const { spec } = bundle
  refuseUnsupported(spec)
  const namespaces = spec.linux?.namespaces ?? []
  const fresh = new Set(namespaces.filter(({ path }) => path === undefined).map(({ type }) => type))
  const joined = namespaces.flatMap(({ type, path }) => (path === undefined ? [] : [{ kind: type, path }]))
  return {
    namespaces: CLONED.filter((kind) => fresh.has(kind)),
    before: [
      ...bundle.cgroup.before,
      ...(bundle.network?.before ?? []),
      ...joined.filter(({ kind }) => kind === 'pid').map(({ path }): HostStep => ({ do: 'pid-namespace', path })),
    ],
    after: [...idMapSteps(spec, options), ...bundle.cgroup.after, ...oomSteps(spec), ...(bundle.network?.after ?? [])],
    child: [
      // Entered first: its owner may be a user namespace whose rights the rest needs.
      ...enterSteps(joined),
      // Only now, in its groups, may the process cut its view of them: the namespace's root is where it is.
      ...(fresh.has('cgroup') ? [unshare('cgroup')] : []),
      ...(fresh.has('time') ? [unshare('time')] : []),
      ...rootSteps(bundle),
      ...mountSteps(bundle, options),
      ...deviceSteps(spec),
      ...namespaceSteps(spec, fresh, bundle.network?.child ?? []),
      ...hideSteps(spec), // after sysctls, which write where these forbid it
      ...leaveSteps(bundle),
      ...processSteps(bundle, options),
    ],
  }
}

function unshare(kind: NamespaceKind): ChildStep {
  return { do: 'unshare', kinds: [kind] }
}

function enterSteps(joined: readonly { kind: NamespaceKind; path: string }[]): ChildStep[] {
  // The pid namespace was entered by the parent: one's own never changes. The user namespace comes before all others.
  const others = joined.filter(({ kind }) => kind !== 'pid')
  const ordered = others.toSorted((left, right) => Number(right.kind === 'user') - Number(left.kind === 'user'))
  return ordered.map(({ kind, path }) => ({ do: 'enter', kind, path }))
}

function rootSteps({ spec, rootfs, directory, rootless }: Bundle): ChildStep[] {
  const at = spec.root?.path ?? `${directory}/rootfs`
  const becomeRoot: ChildStep[] =
    (spec.linux?.uidMappings?.length ?? 0) > 0 ? [{ do: 'user', uid: 0, gid: 0, groups: undefined }] : []
  const steps: ChildStep[] = [
    ...becomeRoot, // of the new user namespace: what is made below belongs to it
    // Nothing mounted here travels back to the host; what the host mounts still arrives, for binds that share.
    { do: 'propagation', path: '/', value: 'rslave' },
  ]
  if (rootfs.kind === 'module')
    throw new LaunchImpossible('a WebAssembly module is no root file system', 'leave --runtime out')
  if (rootfs.lower.length === 0) return [...steps, { do: 'root-bind', at, source: rootfs.upper }]
  const options = [...(rootless ? ['userxattr'] : []), ...(rootfs.volatile === true ? ['volatile'] : [])]
  return [...steps, { do: 'root-overlay', at, lower: rootfs.lower, upper: rootfs.upper, work: rootfs.work, options }]
}

function namespaceSteps(spec: RuntimeSpec, fresh: ReadonlySet<string>, network: readonly ChildStep[]): ChildStep[] {
  const steps: ChildStep[] = []
  if (spec.hostname !== undefined) steps.push({ do: 'hostname', name: spec.hostname })
  if (spec.domainname !== undefined) steps.push({ do: 'domainname', name: spec.domainname })
  if (fresh.has('network')) steps.push({ do: 'loopback-up' }, ...network)
  for (const [key, value] of Object.entries(spec.linux?.sysctl ?? {})) steps.push({ do: 'sysctl', key, value })
  return steps
}

function leaveSteps({ spec, directory }: Bundle): ChildStep[] {
  const steps: ChildStep[] = [{ do: 'move-root', at: spec.root?.path ?? `${directory}/rootfs` }]
  const propagation = spec.linux?.rootfsPropagation
  if (propagation !== undefined) steps.push({ do: 'propagation', path: '/', value: propagationOf(propagation) })
  return steps
}

function propagationOf(word: string): Extract<ChildStep, { do: 'propagation' }>['value'] {
  const known = ['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared', 'unbindable', 'runbindable'] as const
  const found = known.find((value) => value === word)
  if (found === undefined) throw new LaunchImpossible(`no propagation is called ${word}`)
  return found
}
