/** A container decided in every detail but not yet made: settings, image and backend brought together. */
import { InvalidArgument } from '../errors.ts'
import type { ContainerId, IsolationBackend } from '../plugins/contract.ts'
import { backendName, openChecked, settleBackend } from './choose-backend.ts'
import type { ContainerConfig, ContainerSettings, HealthAction, HostConfig } from './config.ts'
import { healthRules } from './health/state.ts'
import { requireLogDriver } from './logs/start-forwarder.ts'
import { settleNetworks } from './networks/settle.ts'
import { newContainerId } from './new-id.ts'
import { moduleName, type Source } from './obtain-image.ts'
import type { StoredSettings } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { commandLine, mergeImage } from './spec/merge-image.ts'
import { type Ask, refuseUnasked, settleWishes } from './wishes.ts'

export interface Draft {
  readonly id: ContainerId
  readonly name: string
  /** As the user typed it; a bare module's absolute path. */
  readonly imageName: string
  readonly source: Source
  readonly backendName: string
  readonly backend: IsolationBackend
  readonly settings: StoredSettings
}

export interface DraftSource {
  readonly source: Source
  readonly ask?: Ask | undefined
}

/** @throws {InvalidArgument} no command @throws {PlatformUnsupported} @throws {PermissionsNeeded} */
export async function draftContainer(
  room: ContainerRoom,
  settings: ContainerSettings,
  { source, ask }: DraftSource,
): Promise<Draft> {
  const program = programOf(settings.config, source)
  const argv = commandLine(program)
  const chosen = await settleBackend(room, backendName(settings.host.Runtime, source, argv))
  refuseForNative(settings.host, chosen)
  refuseTimeout(settings.host, chosen)
  await requireLogDriver(room, settings.host.LogConfig)
  const backend = await openChecked(room, chosen, source)
  const permitted = chosen === 'wasi' ? await settleWishes(settings, source, ask) : refuseUnasked(settings)
  const { host, platform, consent } = permitted
  const config = programOf(permitted.config, source)
  const checked = settledHealth(config, {
    own: settings.config.Healthcheck,
    backend: chosen,
    action: host.HealthOnFailure,
  })
  const networked = await settleNetworks(room, host, { backend: chosen, granted: consent.granted.has('net') })
  return {
    id: newContainerId(),
    name: settings.name,
    imageName: source.id === undefined ? source.name : settings.config.Image,
    source,
    backendName: chosen,
    backend,
    settings: { config: checked, host: networked, platform, argv },
  }
}

/** A WASM artifact is its own program: it needs no entry point, and all arguments are its own. */
function programOf(config: ContainerConfig, source: Source): ContainerConfig {
  const merged = mergeImage(config, source.config.config)
  const isArtifact = source.content.kind === 'module' && (merged.Entrypoint ?? []).length === 0
  return isArtifact ? { ...merged, Entrypoint: [moduleName(source)] } : merged
}

/** What is for modules alone means nothing elsewhere. */
function refuseForNative({ Wasi }: HostConfig, backend: string): void {
  if (backend === 'wasi' || Wasi === undefined) return
  const [word = ''] = Object.keys(Wasi)
  throw new InvalidArgument(`--wasi-${word.toLowerCase()} is for WebAssembly, and the image is not`, {
    hint: `leave it out`,
  })
}

/** The process that is held is the runtime's, not the container's. */
function refuseTimeout({ TimeoutMs }: HostConfig, backend: string): void {
  if (TimeoutMs === undefined || !backend.startsWith('oci:')) return
  throw new InvalidArgument(`--timeout does not hold for the runtime ${backend.slice('oci:'.length)}`, {
    hint: 'leave --runtime out, or stop the container yourself',
  })
}

/** A WebAssembly container has nothing that a test could run in: the image's is left aside, the user's refused. */
function settledHealth(config: ContainerConfig, { own, backend, action }: HealthAsked): ContainerConfig {
  if (backend === 'wasi') {
    if (own?.Test !== undefined && own.Test[0] !== 'NONE')
      throw new InvalidArgument('a WebAssembly container has only its module: no health check can run in it', {
        hint: 'leave out --health-cmd',
      })
    const { Healthcheck: _left, ...rest } = config
    return rest
  }
  if (action !== 'none' && healthRules(config) === undefined)
    throw new InvalidArgument('cannot act on a failing health check: the container has none', {
      hint: 'give it one with --health-cmd, or leave out --health-on-failure',
    })
  return config
}

interface HealthAsked {
  readonly own: ContainerConfig['Healthcheck']
  readonly backend: string
  readonly action: HealthAction
}
