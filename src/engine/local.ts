/** The engine in this process. A room's code is loaded when it is first asked for something. */
import { join } from 'node:path'
import { openBuilder } from '../build/open.ts'
import { openContainerEngine } from '../containers/open.ts'
import type { ContainerRoom } from '../containers/room.ts'
import { HostUnsupported } from '../errors.ts'
import type { ImageContext } from '../images/context.ts'
import { openSnapshots } from '../images/layers/snapshots.ts'
import { openImageStore } from '../images/store.ts'
import type { IdMappings } from '../linux/id-mappings.ts'
import { usualHelper } from '../network/helpers/choose.ts'
import { openNetworkEngine } from '../network/open.ts'
import { hasNft } from '../network/rules/nft.ts'
import { type Paths, readPaths, statePath } from '../paths.ts'
import type { IsolationBackend } from '../plugins/contract.ts'
import { openDatabase } from '../state/database.ts'
import { dockerSetting } from '../util/docker-config.ts'
import { openVolumes } from '../volumes/open.ts'
import type { Engine } from './engine.ts'
import { openRegistry, type RegistryEvents } from './registry.ts'

import { openSystem } from './system/open.ts'

export interface LocalEngineOptions extends RegistryEvents {
  readonly paths?: Paths
}

export async function openLocalEngine({ paths = readPaths(), ...events }: LocalEngineOptions = {}): Promise<Engine> {
  const database = openDatabase(statePath(paths))
  const registry = openRegistry(events)
  const imageContext: ImageContext = {
    paths,
    database,
    registry: registry.client,
    credentials: registry.credentials,
    snapshots: openSnapshots(paths),
    unpack: async (request) => {
      const { unpackLayer } = await import('../images/layers/unpack.ts')
      return unpackLayer({ ...request, idMaps: await idMaps() })
    },
    usersOf: (id) => containers.usersOf(id),
  }
  const images = openImageStore(imageContext)
  const containerRoom: ContainerRoom = {
    paths,
    database,
    images,
    openBackend: (name) => openBackend(paths, name),
    defaultNetwork: usualNetwork,
  }
  const containers = openContainerEngine(containerRoom)
  const builds = openBuilder({
    ...containerRoom,
    openStore: async () => (await import('../images/building.ts')).openBuildStore(imageContext),
    collect: async () => (await (await import('../images/gc.ts')).collect(imageContext)).reclaimedBytes,
  })
  const volumes = openVolumes({ paths, database })
  const networks = openNetworkEngine(
    { paths, database },
    { settle: (ids) => containers.settle(ids), named: () => containers.namedNetworks() },
  )
  let open = true
  const close = async () => {
    if (!open) return
    open = false
    await registry.client.close()
    database.close()
  }
  return {
    images,
    containers,
    builds,
    networks,
    volumes,
    system: openSystem({ paths, database, images, containers, builds, networks, volumes }),
    wasm: { pack: async (...args) => (await import('./wasm/pack.ts')).packProgram(images, ...args) },
    userSetting: dockerSetting,
    close,
  }
}

/** A bridge needs root and nft, a helper its program; without them a container that asks for nothing has loopback alone. */
function usualNetwork(): string {
  if (process.geteuid?.() !== 0) return usualHelper() ?? 'none'
  return hasNft() ? 'bridge' : 'none'
}

/** Files of an image belong to several users; an ordinary user's own namespace has them. */
async function idMaps(): Promise<IdMappings | undefined> {
  if (process.geteuid?.() === 0) return undefined
  const { readIdMappings } = await import('../linux/id-mappings.ts')
  return readIdMappings()
}

/** `linux`, `wasi`, `oci:` and the name or path of an OCI runtime, or `plugin:` and the name of what one brings. */
async function openBackend(paths: Paths, name: string): Promise<IsolationBackend> {
  if (name === 'linux') {
    const { createLinuxBackend } = await import('../linux/backend.ts')
    return createLinuxBackend({ cacheDirectory: join(paths.root, 'cache', 'seccomp') })
  }
  if (name === 'wasi') {
    const { openWasiBackend } = await import('./wasi-backend.ts')
    return openWasiBackend(paths)
  }
  if (name.startsWith('oci:')) {
    const { createOciBackend } = await import('../linux/oci-backend.ts')
    return createOciBackend({ runtime: name.slice('oci:'.length), stateDirectory: join(paths.run, 'oci') })
  }
  if (name.startsWith('plugin:')) {
    const { openPluginBackend } = await import('./plugin-backend.ts')
    return openPluginBackend(paths, name.slice('plugin:'.length))
  }
  throw new HostUnsupported(`there is no isolation backend called ${name}`)
}
