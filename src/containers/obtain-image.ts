/** The image a container is made of, pulled first when the policy says so; or a bare WebAssembly module. */
import { statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { InvalidArgument } from '../errors.ts'
import { ImageNotFound } from '../images/errors.ts'
import type { PreparedImage } from '../images/types.ts'
import { familiarName, parseReference, withDefaultTag } from '../oci/reference.ts'
import type { ContainerSettings } from './config.ts'
import type { ContainerRoom } from './room.ts'
import type { OpenTransfer } from './types.ts'

/** What is run: `id` is undefined for a bare module, which no store knows. */
export type Source = Omit<PreparedImage, 'id'> & { readonly id: PreparedImage['id'] | undefined }

export interface ObtainOptions {
  readonly settings: Pick<ContainerSettings, 'platform' | 'pull'>
  readonly openTransfer: OpenTransfer | undefined
  readonly signal: AbortSignal
  /** For people, on stderr. */
  readonly say: (line: string) => void
}

/** @throws {ImageNotFound} with the policy `never` */
export async function obtainImage(room: ContainerRoom, name: string, options: ObtainOptions): Promise<Source> {
  if (isModulePath(name)) return bareModule(name)
  const { settings, say } = options
  const platform = settings.platform === '' ? {} : { platform: settings.platform }
  const prepare = () => room.images.prepare(name, platform)
  const pull = () => pullImage(room, name, { ...options, ...platform })
  if (settings.pull === 'always') await pull()
  try {
    return await prepare()
  } catch (error) {
    if (!(error instanceof ImageNotFound) || settings.pull !== 'missing') throw error
    // An id that is not here cannot be pulled: the first error says it best.
    if (/^(?:sha256:)?[0-9a-f]{12,64}$/.test(name)) throw error
    say(`Unable to find image '${familiarName(withDefaultTag(parseReference(name)))}' locally`)
  }
  await pull()
  return prepare()
}

async function pullImage(
  room: ContainerRoom,
  name: string,
  { openTransfer, signal, platform }: ObtainOptions & { readonly platform?: string },
): Promise<void> {
  const { close, ...display } = (await openTransfer?.()) ?? { close: () => {} }
  try {
    await room.images.pull(name, { ...display, signal, ...(platform !== undefined && { platform }) })
  } finally {
    close()
  }
}

/** No reference starts like this, so a path must say that it is one: `./app.wasm`, `/srv/app.wasm`. */
function isModulePath(name: string): boolean {
  return name.startsWith('./') || name.startsWith('../') || name.startsWith('/')
}

/** @throws {InvalidArgument} */
export function bareModule(name: string): Source {
  const path = resolve(name)
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new InvalidArgument(`${name}: no such file`)
  if (!stats.isFile()) throw new InvalidArgument(`${name} is not a WebAssembly module`)
  return {
    id: undefined,
    name: path,
    platform: { os: 'wasi', architecture: 'wasm' },
    config: {
      os: 'wasi',
      architecture: 'wasm',
      config: { Entrypoint: [basename(path)] },
      rootfs: { type: 'layers', diff_ids: [] },
    },
    annotations: {},
    content: { kind: 'module', path },
  }
}

/** The name of the program of an artifact without an entry point: the repository's last component. */
export function moduleName(source: Source): string {
  const last = source.name.replace(/@.*$/, '').replace(/:[^/]*$/, '')
  return source.name.startsWith('sha256:') ? 'module.wasm' : basename(last)
}
