/** From a draft to a bundle on disk: everything the spec needs of host and image is looked up and written here. */
import { mkdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { InvalidArgument } from '../errors.ts'
import type { NamespaceType, RuntimeSpec } from '../oci/runtime-spec.ts'
import type { RootFilesystem } from '../plugins/contract.ts'
import { isAlive } from '../util/process-identity.ts'
import type { HostConfig } from './config.ts'
import type { ContainerDirectories } from './directories.ts'
import type { Draft } from './draft.ts'
import { readIdMappings, seccompFor } from './host.ts'
import { readHostFile } from './host-file.ts'
import { type ContainerRecord, findRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { shapeMounts } from './shape-mounts.ts'
import { containerCapabilities } from './spec/capabilities.ts'
import { containerDevices } from './spec/devices.ts'
import { type EtcFiles, type EtcOptions, etcFiles } from './spec/etc-files.ts'
import { readLayerFile } from './spec/layer-files.ts'
import { containerHostname, makeSpec } from './spec/runtime-spec.ts'
import { type ResolvedUser, resolveUser } from './spec/users.ts'
import { volumeMounts } from './volumes.ts'

/** passwd and group files larger than this are taken for hostile, and for missing. */
const MAX_USER_FILE_BYTES = 4 << 20

/** Writes the files of /etc, the volumes' directories and `config.json`. @returns the document */
export async function writeBundle(
  room: ContainerRoom,
  draft: Draft,
  directories: ContainerDirectories & { readonly rootfs: RootFilesystem },
): Promise<RuntimeSpec> {
  const spec = await describeBundle(room, draft, directories)
  const files = hostFiles(draft)
  writeFileSync(join(directories.data, 'hosts'), files.hosts)
  writeFileSync(join(directories.data, 'hostname'), files.hostname)
  writeFileSync(join(directories.data, 'resolv.conf'), files.resolv)
  writeFileSync(join(directories.data, 'config.json'), JSON.stringify(spec))
  return spec
}

/** The files of /etc; once it is on its networks, with its addresses. */
export function hostFiles(
  draft: Pick<Draft, 'id' | 'settings'>,
  network: Pick<EtcOptions, 'addresses' | 'links' | 'resolver' | 'forwarder' | 'hostGateway'> = {},
): EtcFiles {
  const { config, host } = draft.settings
  const names = { id: draft.id, config, host, hostHostname: hostname() }
  return etcFiles({
    hostname: containerHostname(names),
    domainname: config.Domainname,
    extraHosts: host.ExtraHosts,
    dns: host.Dns,
    dnsSearch: host.DnsSearch,
    dnsOptions: host.DnsOptions,
    networkHost: host.NetworkMode === 'host',
    host: { hosts: readHostFile('/etc/hosts'), resolv: readHostFile('/etc/resolv.conf') },
    ...network,
  })
}

async function describeBundle(
  room: ContainerRoom,
  draft: Draft,
  directories: ContainerDirectories & { readonly rootfs: RootFilesystem },
): Promise<RuntimeSpec> {
  const { config, host, argv } = draft.settings
  makeBindSources(host)
  const capabilities = containerCapabilities(host)
  const volumes = await volumeMounts(room, draft, directories.data)
  const user = userOf(draft, directories.rootfs)
  const spec = makeSpec({
    id: draft.id,
    config,
    host,
    argv,
    user,
    directory: directories.data,
    volumes: volumes.mounts,
    devices: containerDevices(host),
    seccomp: await seccompFor(host, capabilities),
    hostHostname: hostname(),
    joined: joinedNamespaces(room, host),
    isModule: draft.backend.name === 'wasi',
    idMappings: await readIdMappings(),
  })
  const settings = [...host.Mounts, ...volumes.settings]
  return { ...spec, mounts: shapeMounts(spec.mounts ?? [], settings, { directory: directories.data, user }) }
}

function userOf({ settings }: Draft, rootfs: RootFilesystem): ResolvedUser {
  const layers = rootfs.kind === 'layers' ? [rootfs.upper, ...rootfs.lower] : []
  const read = (path: string) => readLayerFile(layers, path, MAX_USER_FILE_BYTES) ?? ''
  return resolveUser(settings.config.User, settings.host.GroupAdd, {
    passwd: read('/etc/passwd'),
    group: read('/etc/group'),
  })
}

/** `-v` makes what is missing on the host, `--mount` refuses it. */
function makeBindSources(host: HostConfig): void {
  for (const mount of host.Mounts) {
    if (mount.Type !== 'bind' || statSync(mount.Source, { throwIfNoEntry: false }) !== undefined) continue
    if (mount.CreateMountpoint !== true)
      throw new InvalidArgument(
        `invalid mount config for type "bind": bind source path does not exist: ${mount.Source}`,
      )
    mkdirSync(mount.Source, { recursive: true })
  }
}

/** The namespaces of other containers that `container:NAME` modes enter. */
function joinedNamespaces(room: ContainerRoom, host: HostConfig): Partial<Record<NamespaceType, string>> {
  const modes = [
    ['network', 'net', host.NetworkMode],
    ['pid', 'pid', host.PidMode],
    ['ipc', 'ipc', host.IpcMode],
  ] as const
  return Object.fromEntries(
    modes.flatMap(([type, file, mode]) => {
      if (!mode.startsWith('container:')) return []
      const record = findRecord(room.database, mode.slice('container:'.length))
      if (record.process === undefined || !isAlive(record.process))
        throw new InvalidArgument(`cannot join ${type} namespace of a non running container: ${record.name}`)
      const path = `/proc/${record.process.pid}/ns/${file}`
      refuseHost(record, { type, path })
      return [[type, path]]
    }),
  )
}

/** The first process that we know of a foreign runtime's container may be the runtime, in a namespace of the host. */
function refuseHost(
  { name, backend, settings }: ContainerRecord,
  { type, path }: { readonly type: 'network' | 'pid' | 'ipc'; readonly path: string },
): void {
  const { NetworkMode, PidMode, IpcMode } = settings.host
  const mode = { network: NetworkMode, pid: PidMode, ipc: IpcMode }[type]
  if (backend === 'linux' || mode === 'host') return
  if (readlinkSync(path) !== readlinkSync(`/proc/self/ns/${basename(path)}`)) return
  throw new InvalidArgument(`cannot join ${type} namespace of ${name}: its runtime keeps that to itself`)
}
