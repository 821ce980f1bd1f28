/** A container decided in every detail but not yet made: settings, image and backend brought together. */
import { InvalidArgument } from '../errors.ts'
import type { ContainerId, IsolationBackend } from '../plugins/contract.ts'
import { randomHex } from '../util/random.ts'
import { backendName, openChecked } from './choose-backend.ts'
import type { ContainerConfig, ContainerSettings, HealthAction, HostConfig } from './config.ts'
import { healthRules } from './health/state.ts'
import { settleNetworks } from './networks/settle.ts'
import { moduleName, type Source } from './obtain-image.ts'
import type { StoredSettings } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { commandLine, mergeImage } from './spec/merge-image.ts'

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

/** @throws {InvalidArgument} no command @throws {PlatformUnsupported} */
export async function draftContainer(
  room: ContainerRoom,
  { config, host, platform, name }: ContainerSettings,
  source: Source,
): Promise<Draft> {
  const merged = mergeImage(config, source.config.config)
  // A WASM artifact is its own program: it needs no entry point, and all arguments are its own.
  const isArtifact = source.content.kind === 'module' && (merged.Entrypoint ?? []).length === 0
  const program = isArtifact ? { ...merged, Entrypoint: [moduleName(source)] } : merged
  const argv = commandLine(program)
  const chosen = backendName(host.Runtime, source, argv)
  refuseForNative(host, chosen)
  const backend = await openChecked(room, chosen, source)
  const checked = settledHealth(program, { own: config.Healthcheck, backend: chosen, action: host.HealthOnFailure })
  return {
    id: randomHex(32) as ContainerId,
    name,
    imageName: source.id === undefined ? source.name : config.Image,
    source,
    backendName: chosen,
    backend,
    settings: { config: checked, host: await settleNetworks(room, host, chosen), platform, argv },
  }
}

/** What is for modules alone means nothing elsewhere. */
function refuseForNative({ Wasi }: HostConfig, backend: string): void {
  if (backend === 'wasi' || Wasi === undefined) return
  const [word = ''] = Object.keys(Wasi)
  throw new InvalidArgument(`--wasi-${word.toLowerCase()} is for WebAssembly, and the image is not`, {
    hint: `leave it out`,
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
