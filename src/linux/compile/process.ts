/** The process itself, from its limits to exec (runtime-spec, config.md#process). */
import type { Bundle, ProcessSpec, RuntimeSpec } from '../../plugins/contract.ts'
import { capabilityBits } from '../capabilities.ts'
import { LaunchImpossible } from '../errors.ts'
import type { ChildStep, HostStep } from '../plan.ts'
import type { CompileOptions } from './options.ts'

export function processSteps({ spec, id, init }: Bundle, options: CompileOptions): ChildStep[] {
  return processTail(spec, { ...options, id, init, readOnlyRoot: spec.root?.readonly ?? false })
}

export interface TailOptions extends Pick<CompileOptions, 'seccomp' | 'mapHelpers'> {
  readonly id: string
  readonly init: boolean
  readonly readOnlyRoot: boolean
  /** One more process of a container that runs: nothing of the container changes for it. */
  readonly additional?: boolean
}

/** @throws {LaunchImpossible} there is no program to run */
export function processTail(spec: RuntimeSpec, options: TailOptions): ChildStep[] {
  const { process } = spec
  const [program] = process?.args ?? []
  if (process === undefined || program === undefined)
    throw new LaunchImpossible('there is no program to run', 'give a command')
  // Last: everything before it may still write to the root.
  const readOnly: ChildStep[] = options.readOnlyRoot
    ? [{ do: 'remount', target: '/', set: ['ro'], clear: [], recursive: false }]
    : []
  return [
    ...limitSteps(process),
    { do: 'keyring', name: `_ses.${options.id}` },
    { do: 'session', terminal: process.terminal ?? false, ...(options.additional && { console: false }) },
    { do: 'cwd', path: process.cwd, create: !options.additional, uid: process.user.uid, gid: process.user.gid },
    ...readOnly,
    ...personalitySteps(spec),
    ...identitySteps(process, { seccomp: options.seccomp, setGroups: maySetGroups(spec, options) }),
    ...(options.init ? [{ do: 'init' } as const] : []),
    { do: 'exec', file: program, argv: process.args ?? [], env: process.env ?? [] },
  ]
}

export function oomSteps({ process }: RuntimeSpec): HostStep[] {
  const value = process?.oomScoreAdj ?? 0
  return value === 0 ? [] : [{ do: 'oom-score', value }]
}

function limitSteps({ rlimits = [] }: ProcessSpec): ChildStep[] {
  return rlimits.map(({ type, soft, hard }) => ({ do: 'rlimit', resource: type, soft, hard }))
}

const PERSONAS: Readonly<Record<string, number>> = { LINUX: 0x0, LINUX32: 0x8 }

/** Before the filter, which may allow no change (runtime-spec, config-linux.md#personality). */
function personalitySteps({ linux = {} }: RuntimeSpec): ChildStep[] {
  if (linux.personality === undefined) return []
  const { domain, flags = [] } = linux.personality
  const persona = PERSONAS[domain]
  if (persona === undefined || flags.length > 0)
    throw new LaunchImpossible(`no personality is called ${[domain, ...flags].join(' ')}`)
  return [{ do: 'personality', persona }]
}

/**
 * Without no_new_privs a filter needs CAP_SYS_ADMIN and goes in while the process still has it; with it, last of all,
 * so that it need not allow what the steps before it do.
 */
export function identitySteps(
  process: ProcessSpec,
  { seccomp, setGroups }: { readonly seccomp: CompileOptions['seccomp']; readonly setGroups: boolean },
): ChildStep[] {
  const filter: ChildStep[] = seccomp === undefined ? [] : [{ do: 'seccomp', ...seccomp }]
  const { user, capabilities = {}, noNewPrivileges = false } = process
  const { uid, gid, additionalGids: groups = [], umask } = user
  const bits = (names: string[] | undefined) => capabilityBits(names)
  const identity: ChildStep[] = [
    { do: 'user', uid, gid, groups: setGroups ? groups : undefined, ...(umask !== undefined && { umask }) },
    {
      do: 'capabilities',
      bounding: bits(capabilities.bounding),
      effective: bits(capabilities.effective),
      permitted: bits(capabilities.permitted),
      inheritable: bits(capabilities.inheritable),
      ambient: bits(capabilities.ambient),
    },
  ]
  return noNewPrivileges ? [...identity, { do: 'no-new-privileges' }, ...filter] : [...filter, ...identity]
}

/** Who maps only its own id had to give setgroups up for it (user_namespaces(7)). */
export function maySetGroups(spec: RuntimeSpec, { mapHelpers }: Pick<CompileOptions, 'mapHelpers'>): boolean {
  const mappings = spec.linux?.gidMappings ?? []
  return mappings.length === 0 || mapHelpers || mappings.some(({ size }) => size > 1)
}
