/** What no image holds and nobody alive is about to need: cut-off work, content of images that are gone. */
import { join } from 'node:path'
import { isDigest } from '../../oci/digest.ts'
import { transaction } from '../../state/database.ts'
import { type CheckOptions, type Finding, mendable, type RoomReport } from '../../state/findings.ts'
import { setAside } from '../../state/lost-and-found.ts'
import { namesIn } from '../../util/names-in.ts'
import { readProcessIdentity } from '../../util/process-identity.ts'
import { blobPath, listBlobs, partialDirectory } from '../blobs.ts'
import type { ImageContext } from '../context.ts'
import { collect } from '../gc.ts'
import { openHeld } from '../held.ts'
import { abandonedSnapshots, isSnapshotName } from '../layers/snapshots.ts'
import { leasedKeys } from '../leases.ts'

/** Downloads that were cut off are no orphans: the next pull goes on with them, and `image prune` gives them up. */
export async function checkOrphans(context: ImageContext, options: CheckOptions): Promise<RoomReport> {
  const { paths } = context
  const strangers = [
    ...strangersIn(join(paths.root, 'snapshots'), isSnapshotName),
    ...(['sha256', 'sha512'] as const).flatMap((algorithm) =>
      strangersIn(join(paths.root, 'blobs', algorithm), (name) => isDigest(`${algorithm}:${name}`)),
    ),
  ]
  const orphans = [
    ...unheld(context).map((path) => ({ path, problem: 'no image holds it' })),
    ...(await abandoned(context)).map((path) => ({ path, problem: 'whoever was at work on it is gone' })),
  ]
  const findings: Finding[] = []
  for (const { path, problem } of orphans) {
    const finding = { kind: 'orphaned-files' as const, subject: path, problem, repair: 'removed' }
    // One collection takes them all; it decides again, in a transaction.
    findings.push(await mendable(options, finding, async () => true))
  }
  if (options.repair && orphans.length > 0) await collect(context)
  for (const path of strangers) {
    const finding = { kind: 'orphaned-files' as const, subject: path, problem: 'nothing of this name belongs here' }
    const mend = async () => `moved to ${setAside(paths, path, `stranger-${path.split('/').at(-1)}`)}`
    findings.push(await mendable(options, { ...finding, repair: 'moved to lost+found' }, mend))
  }
  return { checked: {}, findings }
}

/** Leases are taken and content is published in the same order as collection looks: what is neither leased nor held is nobody's. */
function unheld({ database, paths, snapshots }: ImageContext): readonly string[] {
  const directory = join(paths.root, 'snapshots')
  return transaction(database, () => {
    const [blobs, chains] = [leasedKeys(database, 'blob'), leasedKeys(database, 'snapshot')]
    const held = openHeld(database)
    const onDisk = namesIn(directory)
      .map((name) => `${name.length === 128 ? 'sha512' : 'sha256'}:${name}`)
      .filter(isDigest)
    return [
      ...listBlobs(paths)
        .filter((digest) => !blobs.has(digest) && !held.blob(digest))
        .map((digest) => blobPath(paths, digest)),
      ...onDisk.filter((chain) => !chains.has(chain) && !held.snapshot(chain)).map((chain) => snapshots.path(chain)),
    ]
  })
}

async function abandoned({ paths }: ImageContext): Promise<readonly string[]> {
  const partials = namesIn(partialDirectory(paths)).filter((name) => {
    const [, pid] = /^\.([0-9]+)\./.exec(name) ?? []
    return pid !== undefined && readProcessIdentity(Number(pid)) === undefined
  })
  return [
    ...partials.map((name) => join(partialDirectory(paths), name)),
    ...(await abandonedSnapshots(join(paths.root, 'snapshots'))),
  ]
}

function strangersIn(directory: string, isOurs: (name: string) => boolean): readonly string[] {
  return namesIn(directory)
    .filter((name) => !isOurs(name))
    .map((name) => join(directory, name))
}
