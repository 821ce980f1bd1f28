/** `ps`: the records, brought up to date, and of them those that are asked for. */
import { ImageNotFound } from '../images/errors.ts'
import { NetworkNotFound } from '../network/errors.ts'
import { helperMode } from '../network/helpers/choose.ts'
import { findNetwork } from '../network/records.ts'
import { findContainer } from './find.ts'
import { isActive } from './lifecycle.ts'
import { type FilterContext, parseListFilters } from './list-filters.ts'
import { containerPortsText } from './ports.ts'
import { reconcile } from './reconcile.ts'
import { type ContainerRecord, listRecords } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { imageBytes, writtenBytes } from './size.ts'
import type { ContainerSummary, ListOptions } from './types.ts'

/** See `ContainerEngine.list`. @throws {InvalidArgument} a filter that docker does not know */
export async function listContainers(
  room: ContainerRoom,
  { all = false, last = -1, filters = [], size = false }: ListOptions,
): Promise<readonly ContainerSummary[]> {
  const filter = await parseListFilters(filters, filterContext(room))
  const wholeList = all || filter.all || last > 0
  const found: ContainerSummary[] = []
  for (const record of listRecords(room.database, { alive: !wholeList })) {
    if (last > 0 && found.length === last) break
    const current = await reconcile(room, record)
    if (current === undefined || current.settings.purpose === 'build') continue
    if (!(wholeList || isShown(current))) continue
    if (filter.matches(current)) found.push(summaryOf(room, current))
  }
  return size ? withSizes(room, found) : found
}

/** Without `-a`. */
function isShown({ state }: ContainerRecord): boolean {
  return (isActive(state) && state !== 'starting') || state === 'restarting'
}

function summaryOf(room: ContainerRoom, record: ContainerRecord): ContainerSummary {
  const { config, host, argv } = record.settings
  return {
    id: record.id,
    name: record.name,
    imageName: record.imageName,
    image: record.image,
    backend: record.backend,
    command: argv.map((word, index) => (index > 0 && word.includes(' ') ? `'${word}'` : word)).join(' '),
    state: record.state,
    createdAtMs: record.createdAtMs,
    startedAtMs: record.startedAtMs,
    finishedAtMs: record.finishedAtMs,
    exitStatus: record.exitStatus,
    health: record.health?.Status,
    labels: config.Labels,
    mounts: host.Mounts.map(({ Source, Target }) => (Source === '' ? Target : Source)),
    networkMode: helperMode(host.NetworkMode)?.name ?? host.NetworkMode,
    ...(isActive(record.state) && { ports: containerPortsText(room, record) }),
    networks: (host.Networks ?? []).map(({ Name }) => Name),
    size: undefined,
  }
}

async function withSizes(
  room: ContainerRoom,
  containers: readonly ContainerSummary[],
): Promise<readonly ContainerSummary[]> {
  const images = new Map<string, number>()
  const sized: ContainerSummary[] = []
  for (const container of containers) {
    const { id, image } = container
    const writableBytes = await writtenBytes(room.paths, id)
    const ofImage = image === undefined ? 0 : (images.get(image) ?? (await imageBytes(room.images, image)))
    if (image !== undefined) images.set(image, ofImage)
    sized.push({ ...container, size: { writableBytes, virtualBytes: writableBytes + ofImage } })
  }
  return sized
}

function filterContext(room: ContainerRoom): FilterContext {
  return {
    findContainer: (name) => findContainer(room, name),
    networkName: (name) => networkNameOf(room, name),
    isBuiltOn: (name) => imagesBuiltOn(room, name),
  }
}

function networkNameOf({ database }: ContainerRoom, name: string): string {
  try {
    return findNetwork(database, name).name
  } catch (error) {
    if (error instanceof NetworkNotFound) return name
    throw error
  }
}

async function imagesBuiltOn(room: ContainerRoom, name: string): Promise<ReadonlySet<string>> {
  const base = await layersOf(room, name)
  const found = new Set<string>()
  if (base === undefined) return found
  for (const image of new Set(listRecords(room.database).map((record) => record.image))) {
    const layers = image === undefined ? undefined : await layersOf(room, image)
    if (image !== undefined && layers !== undefined && base.every((layer, index) => layers[index] === layer))
      found.add(image)
  }
  return found
}

async function layersOf(room: ContainerRoom, image: string): Promise<readonly string[] | undefined> {
  try {
    return (await room.images.inspect(image)).RootFS.Layers
  } catch (error) {
    if (error instanceof ImageNotFound) return undefined
    throw error
  }
}
