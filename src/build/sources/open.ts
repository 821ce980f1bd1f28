/** What one build has of the network: each repository and each file is asked for once. */
import { digestSet, fileAddress, gitAddress, type Materials } from '../attest/materials.ts'
import { openMemo } from '../memo.ts'
import type { BuildRoom } from '../room.ts'
import type { Grants } from '../settings.ts'
import type { GitTree } from './git-source.ts'
import type { GitSource } from './git-url.ts'
import type { HttpFile } from './http-source.ts'

export interface Sources {
  /** @throws {SourceFailed} @throws {NotGranted} */
  git(source: GitSource, options: GitWishes): Promise<GitTree>
  /** @throws {SourceFailed} @throws {InvalidArgument} */
  http(url: string, options: HttpWishes): Promise<HttpFile>
  /** The tree of an archive that `http` has given. @throws {ArchiveInvalid} */
  unpacked(file: HttpFile, options: Wishes): Promise<string>
}

export interface Wishes {
  readonly signal: AbortSignal
  readonly onStatus: (text: string) => void
}

export interface GitWishes extends Wishes {
  readonly keepGitDirectory: boolean
  readonly commitTimes: boolean
}

export interface HttpWishes extends Wishes {
  /** `sha256:…` that it must have. */
  readonly checksum?: string | undefined
  /** How long it may be, in bytes, by its first 512. */
  readonly limit?: ((head: Buffer) => number | undefined) | undefined
}

export interface SourcesOptions {
  /** Takes what is fetched. */
  readonly materials: Materials
  readonly grants: Grants
  /** Lets go of what is kept from a prune. */
  readonly cleanup: AsyncDisposableStack
}

/** Nothing is loaded and nothing is asked before it is needed. */
export function openSources(room: BuildRoom, { materials, grants, cleanup }: SourcesOptions): Sources {
  const once = openMemo()
  return {
    git: (source, wishes) =>
      once(JSON.stringify(['git', source, wishes.keepGitDirectory, wishes.commitTimes]), async () => {
        const { openGitTree } = await import('./git-source.ts')
        const tree = await openGitTree(room, { ...wishes, source, grants, cleanup })
        materials.add({ uri: gitAddress(source), digest: digestSet(tree.commit) })
        return tree
      }),
    http: (url, wishes) =>
      once(JSON.stringify(['http', url, wishes.checksum]), async () => {
        const { openHttpFile } = await import('./http-source.ts')
        const file = await openHttpFile(room, { ...wishes, url, grants, cleanup })
        materials.add({ uri: fileAddress(url), digest: digestSet(file.digest) })
        return file
      }),
    unpacked: (file, { signal }) =>
      once(`unpacked ${file.digest}`, async () => {
        const { unpackFile } = await import('./unpack.ts')
        return unpackFile(room, file, { signal, cleanup })
      }),
  }
}
