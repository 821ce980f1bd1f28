/** A container decided in every detail but not yet made: settings, image and backend brought together. */
import { randomBytes } from 'node:crypto'
import type { ContainerId, IsolationBackend } from '../plugins/contract.ts'
import { backendName, openChecked } from './choose-backend.ts'
import type { ContainerSettings } from './config.ts'
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
  const backend = await openChecked(room, chosen, source)
  return {
    id: randomBytes(32).toString('hex') as ContainerId,
    name,
    imageName: source.id === undefined ? source.name : config.Image,
    source,
    backendName: chosen,
    backend,
    settings: { config: program, host, platform, argv },
  }
}
