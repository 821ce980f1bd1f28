/** `diff`: what a container has changed of its image's files, as docker tells it. */
import type { ByteString } from '../../linux/apply.ts'
import { readChanges, type TreeEntry } from '../../linux/archive.ts'
import { findContainer } from '../find.ts'
import type { ContainerRoom } from '../room.ts'
import type { PathChange } from '../types.ts'
import { layersOf, mapsOf } from './open-files.ts'
import { isMountPoint } from './own-paths.ts'

/** See `ContainerEngine.changes`. Sorted by path, parents first. */
export async function containerChanges(room: ContainerRoom, name: string): Promise<readonly PathChange[]> {
  const record = await findContainer(room, name)
  const { upper, lower } = await layersOf(room, record)
  const entries: TreeEntry[] = []
  const sink = { entry: (entry: TreeEntry) => void entries.push(entry), data() {}, end() {}, flush: async () => {} }
  await readChanges([upper, ...lower], { content: false, idMaps: await mapsOf(), sink })
  return pathChanges(entries)
}

const KINDS = { added: 'A', changed: 'C', deleted: 'D', unreadable: 'C' } as const

/** A directory counts as changed when anything in it is. */
export function pathChanges(entries: readonly TreeEntry[]): readonly PathChange[] {
  const told = entries.filter((entry) => entry.change !== 'same' && !isMountPoint(entry))
  const kinds = new Map<ByteString, PathChange['kind']>()
  for (const { path } of told) for (const parent of parentsOf(path)) kinds.set(parent, 'C')
  for (const { path, change } of told) kinds.set(path, change === 'same' ? 'C' : KINDS[change])
  return [...kinds]
    .toSorted(([one], [other]) => (one < other ? -1 : Number(one > other)))
    .map(([path, kind]) => ({ kind, path: `/${Buffer.from(path, 'latin1').toString()}` }))
}

function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? '' : path.slice(0, slash)
}

function parentsOf(path: ByteString): ByteString[] {
  const parent = parentOf(path)
  return parent === '' ? [] : [parent, ...parentsOf(parent)]
}
