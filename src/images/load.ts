/** `load`: OCI layouts and docker archives, in a tar that may be compressed. */
import { transaction } from '../state/database.ts'
import { commitInside } from './commit.ts'
import type { ImageContext } from './context.ts'
import { openLease } from './leases.ts'
import { loadDockerImages } from './load-docker.ts'
import { loadLayout } from './load-layout.ts'
import { readArchive } from './read-archive.ts'
import type { Loading, LoadOptions } from './store-loaded.ts'

/**
 * All images of the archive become images of the store in one step, or none does.
 *
 * @returns canonical names, or the ids of images without one
 * @throws {ArchiveInvalid} it is no image archive, or it tries to lead out of itself
 * @throws {BlobMismatch} content is not what its name says
 */
export async function loadImages(
  context: ImageContext,
  input: NodeJS.ReadableStream,
  options: LoadOptions = {},
): Promise<readonly string[]> {
  await using archive = await readArchive(context.paths, input, options.signal)
  using lease = openLease(context.database)
  const loading: Loading = { archive, lease, options }
  const isLayout = archive.find('index.json') !== undefined
  const commits = isLayout ? await loadLayout(context, loading) : await loadDockerImages(context, loading)
  transaction(context.database, () => {
    for (const commit of commits) commitInside(context, commit)
    lease.releaseInside()
  })
  const told = commits.flatMap(({ names, understood }) =>
    names.length === 0 ? [understood.id] : names.map(({ repository, tag }) => `${repository}:${tag}`),
  )
  return [...new Set(told)] // images of several platforms have one name
}
