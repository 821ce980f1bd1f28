/** Every unpacked layer that an image needs: is it there, and all of it? Those that are not are unpacked again. */
import { createReadStream } from 'node:fs'
import { type Digest, parseDigest } from '../../oci/digest.ts'
import { type CheckOptions, type Finding, mendable, type RoomReport } from '../../state/findings.ts'
import { acquireLock } from '../../state/lock.ts'
import { blobPath, hasBlob, readBlob } from '../blobs.ts'
import type { ImageContext } from '../context.ts'
import { openLease } from '../leases.ts'
import { parseManifest } from '../manifest.ts'
import { readImage } from '../records.ts'
import { fillSnapshot, type LayerContent } from '../snapshot.ts'
import { measureTree, type TreeSize } from './measure-tree.ts'

interface LayerRow {
  readonly chain_id: string
  readonly diff_id: string
  readonly image_id: string
  readonly position: number
  readonly size_bytes: number | null
  readonly file_count: number | null
}

export async function checkSnapshots(context: ImageContext, options: CheckOptions): Promise<RoomReport> {
  const rows = context.database
    .prepare(
      `SELECT l.chain_id, l.diff_id, min(l.image_id) AS image_id, l.position, s.size_bytes, s.file_count
       FROM image_layers l LEFT JOIN snapshots s USING (chain_id) GROUP BY l.chain_id`,
    )
    .all() as unknown as LayerRow[]
  const findings: Finding[] = []
  let files = 0
  for (const [index, row] of rows.entries()) {
    options.onProgress?.('Checking snapshots', index, rows.length)
    options.signal?.throwIfAborted()
    const { problem, size } = await problemOf(context, row, options.quick)
    files += size?.fileCount ?? 0
    if (problem !== undefined && stillNeeded(context, row))
      findings.push(await report(context, row, { problem, options }))
  }
  return { checked: { snapshots: rows.length, files }, findings }
}

type Problem = 'missing' | 'unfinished' | 'incomplete'

async function problemOf(
  { snapshots }: ImageContext,
  { chain_id, size_bytes, file_count }: LayerRow,
  quick: boolean,
): Promise<{ readonly problem?: Problem; readonly size?: TreeSize | undefined }> {
  const chainID = parseDigest(chain_id)
  if (!(await snapshots.has(chainID))) return { problem: 'missing' }
  if (size_bytes === null || file_count === null) return { problem: 'unfinished' }
  if (quick) return {}
  const size = await measureTree(snapshots.path(chainID))
  if (size === undefined) return {}
  const whole = size.sizeBytes === size_bytes && size.fileCount >= file_count
  return whole ? { size } : { problem: 'incomplete', size }
}

function stillNeeded({ database }: ImageContext, { chain_id }: LayerRow): boolean {
  return database.prepare('SELECT 1 FROM image_layers WHERE chain_id = ? LIMIT 1').get(chain_id) !== undefined
}

const WORDS: Readonly<Record<Problem, string>> = {
  missing: 'the unpacked layer is not there',
  unfinished: 'nobody has recorded what belongs into the unpacked layer',
  incomplete: 'files of the unpacked layer have been removed or changed',
}

async function report(
  context: ImageContext,
  row: LayerRow,
  { problem, options }: { readonly problem: Problem; readonly options: CheckOptions },
): Promise<Finding> {
  const found = {
    kind: problem === 'missing' ? ('missing-snapshot' as const) : ('damaged-snapshot' as const),
    subject: row.chain_id,
    problem: WORDS[problem],
  }
  const obstacle = problem === 'missing' ? undefined : userOf(context, row)
  if (obstacle !== undefined) {
    const cure = `container ${obstacle} runs on it: stop it, then repair`
    return { ...found, problem: `${found.problem}; ${cure}`, repair: undefined, repaired: false }
  }
  const layer = await layerOf(context, row)
  if (layer === undefined)
    return {
      ...found,
      problem: `${found.problem}, nor is the content that it was unpacked from: pull its image again`,
      repair: undefined,
      repaired: false,
    }
  return mendable(options, { ...found, repair: 'unpacked again' }, async () => {
    await unpackAgain(context, layer, options.signal)
    return true
  })
}

/** A running container on any image that has the layer; what it has open must not go away below it. */
function userOf({ database, usersOf }: ImageContext, { chain_id }: LayerRow): string | undefined {
  const images = database.prepare('SELECT DISTINCT image_id FROM image_layers WHERE chain_id = ?').all(chain_id)
  return images.flatMap((row) => usersOf(String(row['image_id']))).find(({ running }) => running)?.name
}

/** From the manifest, which knows the media type; undefined when manifest or blob are gone. */
async function layerOf(context: ImageContext, row: LayerRow): Promise<LayerContent | undefined> {
  const image = readImage(context.database, row.image_id)
  if (image === undefined) return undefined
  try {
    const { digest } = image.manifest
    const blob = parseManifest(await readBlob(context.paths, digest, image.id), digest).layers[row.position]
    if (blob === undefined || !(await hasBlob(context.paths, blob))) return undefined
    return { blob, chainID: parseDigest(row.chain_id), diffID: parseDigest(row.diff_id) }
  } catch {
    return undefined // reported as missing or damaged content
  }
}

/** Afterwards the record says what there is: a layer that names a file twice has less than its entries promise. */
async function unpackAgain(context: ImageContext, layer: LayerContent, signal: AbortSignal | undefined): Promise<void> {
  const { database, snapshots, paths } = context
  const { chainID, blob } = layer
  using lease = openLease(database)
  lease.add('blob', [blob.digest])
  lease.add('snapshot', [chainID])
  using _ = await acquireLock(database, `snapshot:${chainID}`, { signal })
  database.prepare('DELETE FROM snapshots WHERE chain_id = ?').run(chainID)
  await fillSnapshot(context, { ...layer, open: () => createReadStream(blobPath(paths, blob.digest)), signal })
  const size = await measureTree(snapshots.path(chainID))
  if (size !== undefined) recordSize(database, chainID, size)
}

function recordSize(database: ImageContext['database'], chainID: Digest, { sizeBytes, fileCount }: TreeSize): void {
  database
    .prepare('UPDATE snapshots SET size_bytes = ?, file_count = ? WHERE chain_id = ?')
    .run(sizeBytes, fileCount, chainID)
}
