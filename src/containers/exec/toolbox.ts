/** The root file system of `debug`: an image of tools, with a layer of its own that is thrown away at the end. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import type { RootFilesystem } from '../../plugins/contract.ts'
import { obtainImage, type Source } from '../obtain-image.ts'
import type { ContainerRoom } from '../room.ts'
import type { RunIO } from '../types.ts'

const DEFAULT_IMAGE = 'docker.io/library/busybox:latest'

/** The image of the flag, of `CORACLE_DEBUG_IMAGE`, or busybox; pulled when it is not here. */
export async function obtainToolbox(room: ContainerRoom, image: string | undefined, io: RunIO): Promise<Source> {
  const name = image ?? (process.env['CORACLE_DEBUG_IMAGE'] || DEFAULT_IMAGE)
  const abort = new AbortController()
  const interrupt = () => abort.abort()
  process.once('SIGINT', interrupt)
  try {
    const source = await obtainImage(room, name, {
      settings: { platform: '', pull: 'missing' },
      openTransfer: io.openTransfer,
      signal: abort.signal,
      say: (line) => io.stderr.write(`${line}\n`),
    })
    if (source.content.kind === 'module')
      throw new InvalidArgument(`${name} is a WebAssembly module, not an image of tools`)
    return source
  } finally {
    process.off('SIGINT', interrupt)
  }
}

export interface Toolbox {
  readonly directory: string
  /** The root file system is mounted at. */
  readonly rootfs: string
  /** The files of a stopped container are mounted at. */
  readonly container: string
  readonly filesystem: RootFilesystem
}

export function makeToolbox(directory: string, { content }: Source): Toolbox {
  const at = (name: string) => join(directory, name)
  mkdirSync(directory, { mode: 0o711 })
  for (const name of ['rootfs', 'container', 'upper', 'work']) mkdirSync(at(name))
  const lower = content.kind === 'layers' ? content.lower : []
  const filesystem: RootFilesystem = { kind: 'layers', lower, upper: at('upper'), work: at('work') }
  return { directory, rootfs: at('rootfs'), container: at('container'), filesystem }
}
