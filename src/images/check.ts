/** Looks through the image store: content against its digests, images against their content, what belongs to nobody. */
import type { CheckOptions, RoomReport } from '../state/findings.ts'
import { checkBlobs } from './check/blobs.ts'
import { checkOrphans } from './check/orphans.ts'
import { checkReferences } from './check/references.ts'
import { checkSnapshots } from './check/snapshots.ts'
import type { ImageContext } from './context.ts'

/** Safe beside any other command. Damaged content goes first, so that what then is missing is found in the same pass. */
export async function checkImages(context: ImageContext, options: CheckOptions): Promise<RoomReport> {
  const reports: RoomReport[] = []
  for (const check of [checkBlobs, checkReferences, checkSnapshots, checkOrphans])
    reports.push(await check(context, options))
  return {
    checked: Object.assign({}, ...reports.map(({ checked }) => checked)) as RoomReport['checked'],
    findings: reports.flatMap(({ findings }) => findings),
  }
}
