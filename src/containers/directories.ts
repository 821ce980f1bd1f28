/** The files of one container under the data root and the run root. */
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { removeFiles } from '../linux/remove-files.ts'
import { containerDirectory, containerRunDirectory, type Paths } from '../paths.ts'
import type { RootFilesystem } from '../plugins/contract.ts'
import { removeAll } from '../util/remove-all.ts'
import type { Source } from './obtain-image.ts'

export interface ContainerDirectories {
  /** `config.json`, the files of /etc, `rootfs/`, and `upper/` and `work/` of the overlay */
  readonly data: string
  readonly run: string
}

export function containerDirectories(paths: Paths, id: string): ContainerDirectories {
  return { data: containerDirectory(paths, id), run: containerRunDirectory(paths, id) }
}

/** Makes what is missing of the data directory and says what the root file system consists of. Idempotent. */
export function makeDirectories(
  paths: Paths,
  id: string,
  source: Source,
): ContainerDirectories & { rootfs: RootFilesystem } {
  const directories = containerDirectories(paths, id)
  // Nobody else may reach a set-user-id program that root in a container has made.
  mkdirSync(directories.data, { recursive: true, mode: 0o700 })
  chmodSync(dirname(directories.data), 0o700)
  mkdirSync(join(directories.data, 'rootfs'), { recursive: true })
  return { ...directories, rootfs: makeRoot(directories.data, source) }
}

function makeRoot(data: string, { content }: Source): RootFilesystem {
  const upper = join(data, 'upper')
  if (content.kind === 'module') {
    mkdirSync(upper, { recursive: true })
    return { ...content, upper }
  }
  const work = join(data, 'work')
  mkdirSync(work, { recursive: true })
  if (mkdirSync(upper, { recursive: true }) !== undefined) {
    // The root directory of an overlay is its upper directory: it takes the mode of the image's.
    const [top] = content.lower
    chmodSync(upper, top === undefined ? 0o755 : statSync(top).mode & 0o7777)
  }
  return { kind: 'layers', lower: content.lower, upper, work }
}

export function removeRunDirectory(paths: Paths, id: string): void {
  removeAll(containerRunDirectory(paths, id))
}

/** Idempotent. */
export async function removeDirectories(paths: Paths, id: string): Promise<void> {
  const { data, run } = containerDirectories(paths, id)
  removeAll(run)
  await removeFiles(data)
}
