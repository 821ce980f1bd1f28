/** What the faces say when the disk is full, whoever ran into it. */
import { readPaths } from '../paths.ts'
import { explainDiskFull } from '../state/disk-full.ts'
import { SomeTargetsFailed } from '../ui/errors.ts'

export function explainFullDisk(error: unknown): unknown {
  if (error instanceof SomeTargetsFailed) return new SomeTargetsFailed(error.errors.map(explainFullDisk))
  return explainDiskFull(error, readPaths().root)
}
