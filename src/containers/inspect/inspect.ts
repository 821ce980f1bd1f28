/** `inspect` of a container: docker's JSON, from the record and the files that go with it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ImageNotFound } from '../../images/errors.ts'
import type { RuntimeSpec } from '../../oci/runtime-spec.ts'
import type { Paths } from '../../paths.ts'
import type { ContainerConfig } from '../config.ts'
import { containerDirectories } from '../directories.ts'
import { findContainer } from '../find.ts'
import { logPath } from '../logs/path.ts'
import { describeContainerPorts } from '../ports.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { imageBytes, writtenBytes } from '../size.ts'
import type { ContainerInspect } from '../types.ts'
import { describeHostConfig, nullWhenEmpty } from './host-config.ts'
import { describeMounts } from './mounts.ts'
import { describeNetworks } from './networks.ts'
import { describeState, timestamp } from './state.ts'

/** See `ContainerEngine.inspect`. */
export async function inspectContainer(
  room: ContainerRoom,
  name: string,
  { size = false }: { readonly size?: boolean },
): Promise<ContainerInspect> {
  const record = await findContainer(room, name)
  const { config, argv } = record.settings
  const { data } = containerDirectories(room.paths, record.id)
  const spec = readSpec(data)
  const [program = '', ...words] = argv
  const graph = await describeGraph(room, record, data)
  return {
    Id: record.id,
    Created: timestamp(record.createdAtMs),
    Path: program,
    Args: words,
    State: describeState(record),
    Image: record.image ?? '',
    ResolvConfPath: join(data, 'resolv.conf'),
    HostnamePath: join(data, 'hostname'),
    HostsPath: join(data, 'hosts'),
    LogPath: logPath(room.paths, record) ?? '',
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: record.backend === 'wasi' ? 'wasi' : 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execIds(room.paths, record.id),
    HostConfig: describeHostConfig(record),
    GraphDriver: graph,
    ...(size && (await describeSizes(room, record))),
    Mounts: describeMounts(room, record, { spec, data }),
    Config: describeConfig(config, spec),
    NetworkSettings: describeNetworks(room, record, describeContainerPorts(room, record)),
  }
}

function describeConfig(config: ContainerConfig, spec: RuntimeSpec | undefined): object {
  return {
    ...config,
    Hostname: spec?.hostname ?? config.Hostname,
    Env: nullWhenEmpty(config.Env),
    Entrypoint: nullWhenEmpty(config.Entrypoint),
    Volumes: Object.keys(config.Volumes ?? {}).length === 0 ? null : config.Volumes,
    OnBuild: null,
  }
}

/** undefined while the container is being created or removed: the file is not there, or not all of it. */
function readSpec(directory: string): RuntimeSpec | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as RuntimeSpec
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Their first digits, of processes that `exec` has running now; `null` when there are none, as docker says it. */
function execIds(paths: Paths, id: string): readonly string[] | null {
  try {
    const ids = readdirSync(containerDirectories(paths, id).run)
      .filter((name) => name.startsWith('e-'))
      .map((name) => name.slice(2))
    return ids.length === 0 ? null : ids
  } catch {
    return null // it does not run
  }
}

async function describeGraph(room: ContainerRoom, record: ContainerRecord, data: string): Promise<unknown> {
  const lower = await lowerDirectories(room, record)
  if (lower === undefined) return { Data: null, Name: 'overlay2' }
  return {
    Data: {
      ID: record.id,
      LowerDir: lower.join(':'),
      MergedDir: join(data, 'rootfs'),
      UpperDir: join(data, 'upper'),
      WorkDir: join(data, 'work'),
    },
    Name: 'overlay2',
  }
}

/** undefined for a bare module, and for an image that was removed by force. */
async function lowerDirectories(
  { images }: ContainerRoom,
  { image, settings: { platform } }: ContainerRecord,
): Promise<readonly string[] | undefined> {
  if (image === undefined) return undefined
  try {
    const { content } = await images.prepare(image, platform === '' ? {} : { platform })
    return content.kind === 'layers' ? content.lower : undefined
  } catch (error) {
    if (error instanceof ImageNotFound) return undefined
    throw error
  }
}

async function describeSizes(room: ContainerRoom, { id, image }: ContainerRecord): Promise<object> {
  const written = await writtenBytes(room.paths, id)
  const ofImage = image === undefined ? 0 : await imageBytes(room.images, image)
  return { SizeRw: written, SizeRootFs: written + ofImage }
}
