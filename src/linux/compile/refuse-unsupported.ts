/**
 * What a document may ask and this backend does not do is refused by name. Ignored, it would give a container that is less
 * isolated, or other, than was asked for.
 */
import type { MountSpec } from '../../oci/runtime-spec.ts'
import type { ProcessSpec, RuntimeSpec } from '../../plugins/contract.ts'
import { LaunchImpossible } from '../errors.ts'
import type { NamespaceKind } from '../plan.ts'

/** @throws {LaunchImpossible} naming the first of them */
export function refuseUnsupported(spec: RuntimeSpec): void {
  if (spec.process === undefined) throw new LaunchImpossible('the document has no process')
  refuseHooks(spec)
  refuseLinux(spec)
  refuseProcess(spec.process)
  for (const key of Object.keys(spec.linux?.sysctl ?? {})) refuseHostSysctl(key, namespacesOf(spec))
}

function refuseHooks({ hooks = {} }: RuntimeSpec): void {
  const [hook] = Object.entries(hooks).filter(([, list]) => (list?.length ?? 0) > 0)
  if (hook !== undefined)
    throw new LaunchImpossible(`hooks (${hook[0]}) are not run by this backend`, 'use --runtime runc')
}

function refuseLinux(spec: RuntimeSpec): void {
  const { mounts = [], linux = {} } = spec
  const mapped = mounts.find(({ uidMappings, gidMappings }) => uidMappings !== undefined || gidMappings !== undefined)
  if (mapped !== undefined && !isBind(mapped))
    throw new LaunchImpossible(`the mount at ${mapped.destination} maps ids`, 'only binds do: leave the mapping out')
  const kinds = (linux.namespaces ?? []).map(({ type }) => type)
  if (!kinds.includes('mount')) throw new LaunchImpossible('a container needs a mount namespace')
  const twice = kinds.find((kind, index) => kinds.indexOf(kind) !== index)
  if (twice !== undefined) throw new LaunchImpossible(`the ${twice} namespace is listed twice`)
  if (Object.keys(linux.timeOffsets ?? {}).length > 0)
    throw new LaunchImpossible('time offsets are not set by this backend', 'use --runtime runc')
  if (linux.mountLabel) refuseLabel('mountLabel')
}

function isBind({ type, options = [] }: MountSpec): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind')
}

function refuseProcess(process: ProcessSpec): void {
  const { apparmorProfile, selinuxLabel, ioPriority, scheduler, execCPUAffinity } = process
  if (selinuxLabel) refuseLabel('selinuxLabel')
  if (apparmorProfile && apparmorProfile !== 'unconfined') refuseLabel('apparmorProfile')
  const [unset] = Object.entries({ ioPriority, scheduler, execCPUAffinity }).filter(([, value]) => value !== undefined)
  if (unset !== undefined)
    throw new LaunchImpossible(`process.${unset[0]} is not set by this backend`, 'use --runtime runc')
}

function refuseLabel(field: string): never {
  throw new LaunchImpossible(`${field}: security labels are not set by this backend`, 'use --runtime runc')
}

function namespacesOf({ linux = {} }: RuntimeSpec): ReadonlySet<NamespaceKind> {
  return new Set((linux.namespaces ?? []).map(({ type }) => type))
}

const IPC_SYSCTL = /^(?:kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/

/** Only what a namespace of the container's holds: any other key would change the host. */
function refuseHostSysctl(key: string, namespaces: ReadonlySet<NamespaceKind>): void {
  const dotted = key.replaceAll('/', '.')
  const holder = dotted.startsWith('net.') ? 'network' : IPC_SYSCTL.test(dotted) ? 'ipc' : undefined
  if (holder === undefined || dotted.split('.').includes(''))
    throw new LaunchImpossible(`the sysctl ${key} belongs to the whole machine`)
  if (!namespaces.has(holder))
    throw new LaunchImpossible(`the sysctl ${key} needs the container's own ${holder} namespace`)
}
