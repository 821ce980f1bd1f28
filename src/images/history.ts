/** `history`: how an image came about, newest step first. */
import { familiarName, parseReference } from '../oci/reference.ts'
import type { ImageContext } from './context.ts'
import { findImage } from './find.ts'
import { parsePlatform } from './platform.ts'
import { readContent } from './read-content.ts'
import { readLayers, readNames } from './records.ts'
import type { HistoryRow } from './types.ts'

/** @throws {ImageNotFound | PlatformMismatch} */
export async function imageHistory(
  context: ImageContext,
  name: string,
  platform?: string,
): Promise<readonly HistoryRow[]> {
  const image = findImage(context.database, name, platform === undefined ? undefined : parsePlatform(platform))
  const { understood } = await readContent(context, image)
  const layers = readLayers(context.database, image.id).values()
  const rows = (understood.config.history ?? []).map((entry) => {
    const layer = entry.empty_layer === true ? undefined : layers.next().value
    return {
      id: '<missing>',
      createdAtMs: milliseconds(entry.created),
      createdBy: entry.created_by ?? '',
      sizeBytes: layer?.sizeBytes ?? 0,
      comment: entry.comment ?? '',
      tags: [] as readonly string[],
    }
  })
  // Some tools write no history, or not all of it: every layer still gets its row.
  for (const layer of layers) {
    const createdAtMs = milliseconds(understood.config.created)
    rows.push({ id: '<missing>', createdAtMs, createdBy: '', sizeBytes: layer.sizeBytes, comment: '', tags: [] })
  }
  const tags = readNames(context.database, image.id)
    .filter(({ tag }) => tag !== undefined)
    .map(({ repository, tag }) => familiarName(parseReference(`${repository}:${tag}`)))
  return rows.toReversed().map((row, index) => (index === 0 ? { ...row, id: image.id, tags } : row))
}

function milliseconds(created: string | undefined): number {
  const moment = Date.parse(created ?? '')
  return Number.isNaN(moment) ? 0 : moment
}
