/** Steps that caches elsewhere know. Nothing of their layers is here yet. */

import { CoracleError } from '../../errors.ts'
import type { BuildStore, StackedLayer } from '../../images/building.ts'
import type { BlobSource } from '../../images/remote-layers.ts'
import { chainIDs } from '../../images/snapshot.ts'
import type { Progress } from '../progress.ts'
import type { SharedStep } from './document.ts'
import type { CacheFrom } from './parse-flags.ts'
import type { StepRecord } from './records.ts'
import { readSource, type SourceOptions } from './sources.ts'

export interface ImportedSteps {
  /** @param below - the layers that the step stands on @returns the step's result; its layer is offered to the store */
  find(key: string, below: readonly StackedLayer[]): StepRecord | undefined
}

interface Known {
  readonly step: SharedStep
  readonly blobs: BlobSource
}

interface ImportOptions extends SourceOptions {
  readonly progress: Progress
}

/** What cannot be read is told, and does without. Of two caches that know a step the one named first counts. */
export async function openImports(sources: readonly CacheFrom[], options: ImportOptions): Promise<ImportedSteps> {
  const { store, progress } = options
  const read = sources.map((from) =>
    progress
      .run(`importing cache manifest from ${nameOf(from)}`, () => readSource(from, options))
      .catch((error: unknown) => {
        if (options.signal.aborted || !(error instanceof CoracleError)) throw error
        return undefined // the display has told it
      }),
  )
  const known = new Map<string, Known>()
  for (const source of await Promise.all(read))
    for (const step of source?.steps ?? [])
      for (const key of step.keys) if (!known.has(key)) known.set(key, { step, blobs: source?.blobs ?? NOTHING })
  return { find: (key, below) => result(known.get(key), { store, below }) }
}

const NOTHING: BlobSource = {
  getBlob: () => Promise.reject(new Error('a step without a source')), // each has been read from one
}

export function nameOf(from: CacheFrom): string {
  return from.type === 'registry' ? from.ref : from.src
}

/** Of what a cache says only the step's own layer counts: those below are the ones that the step stands on here. */
function result(
  known: Known | undefined,
  { store, below }: { readonly store: BuildStore; readonly below: readonly StackedLayer[] },
): StepRecord | undefined {
  if (known === undefined) return undefined
  const { layer, createdAtMs } = known.step
  if (layer === undefined) return { layers: below, changed: false, createdAtMs }
  const { blob, diffID } = layer
  const chainID = chainIDs([...below.map((one) => one.diffID), diffID]).at(-1) ?? diffID
  store.remote.offer(blob, known.blobs)
  return { layers: [...below, { blob, diffID, chainID, sizeBytes: 0 }], changed: true, createdAtMs }
}
