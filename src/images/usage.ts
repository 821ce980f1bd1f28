/** What images take on the disk: layers that several share count once. */
import type { ImageContext } from './context.ts'
import { listImages } from './list.ts'
import { readLayers } from './records.ts'
import type { ImageUsage } from './types.ts'

export function imageUsage(context: ImageContext): readonly ImageUsage[] {
  const images = listImages(context, { all: true })
  const layers = new Map(images.map(({ id }) => [id, readLayers(context.database, id)]))
  const holders = new Map<string, number>()
  for (const { chainID } of [...layers.values()].flat()) holders.set(chainID, (holders.get(chainID) ?? 0) + 1)
  const used = new Set(
    images
      .flatMap(({ id, containers }) => (containers > 0 ? (layers.get(id) ?? []) : []))
      .map(({ chainID }) => chainID),
  )
  const counted = new Set<string>()
  return images.map((image) => {
    const own = layers.get(image.id) ?? []
    const sum = (chosen: typeof own) => chosen.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
    const shared = own.filter(({ chainID }) => (holders.get(chainID) ?? 0) > 1)
    // Of shared layers the first image in the list pays for all.
    const paid = own.filter(({ chainID }) => !counted.has(chainID))
    for (const { chainID } of own) counted.add(chainID)
    const layered = own.length > 0
    return {
      ...image,
      sharedBytes: sum(shared),
      paidBytes: layered ? sum(paid) : image.sizeBytes,
      freeableBytes:
        image.containers > 0 ? 0 : layered ? sum(paid.filter(({ chainID }) => !used.has(chainID))) : image.sizeBytes,
    }
  })
}
