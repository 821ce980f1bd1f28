/** `cp … CONTAINER:PATH`: from the host, or from a tar stream, into a container. */
import { dirname, join } from 'node:path/posix'
import { applySink, placeIn } from '../../archive/tree-sinks.ts'
import { type Applier, byteString, openApplier } from '../../linux/apply.ts'
import { type InsideStat, readTree, type TreeEntry } from '../../linux/archive.ts'
import { ContainerNotFound } from '../errors.ts'
import { logContainerEvent } from '../events.ts'
import { findContainer } from '../find.ts'
import { holding } from '../hold.ts'
import { type ContainerRecord, readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { Copying } from './copying.ts'
import { CopyImpossible, FileNotFound, TargetReadOnly } from './errors.ts'
import { existing, isDirectory, isFile, lookInside, mergeFailure } from './inside.ts'
import { absolutePath } from './local-paths.ts'
import { type OpenFiles, openFiles, openRunningFiles } from './open-files.ts'
import { assertsDirectory, type CopyTarget, type Landing, landingOf, nameOf, tidyPath } from './places.ts'

/** A stopped container is held: a start waits until the copy is done. */
export async function copyIn(room: ContainerRoom, copying: Copying): Promise<void> {
  const found = await findContainer(room, copying.container)
  // First of all: a mistake in it costs nothing then.
  const source = copying.outside === '-' ? undefined : await localSource(copying)
  const running = await openRunningFiles(room, found)
  if (running !== undefined) {
    await using files = running
    return await copyInto(room, copying, { source, files, record: found })
  }
  await holding(room, found.id, async () => {
    const record = readRecord(room.database, found.id)
    if (record === undefined) throw new ContainerNotFound(copying.container)
    await using files = await openFiles(room, record, { write: true })
    await copyInto(room, copying, { source, files, record })
  })
}

interface Into {
  /** undefined: a tar stream */
  readonly source: LocalSource | undefined
  readonly files: OpenFiles
  readonly record: ContainerRecord
}

async function copyInto(room: ContainerRoom, copying: Copying, { source, files, record }: Into): Promise<void> {
  const target = await insideTarget(copying, files)
  if (source === undefined && target.kind !== 'directory')
    throw new CopyImpossible(`destination "${copying.container}:${copying.inside}" must be a directory`)
  const landing =
    source === undefined
      ? { directory: target.path, name: '' }
      : landingOf({ ...source, name: nameOf(source.path) }, target)
  const directory = await checkedDirectory(landing, { copying, files, record })
  await using applier = openApplier(files.root, { idMaps: files.idMaps })
  applier.merge()
  const prefix = directory.resolved.replace(/^\//, '')
  try {
    if (source === undefined) await extract(copying, applier, prefix)
    else await transfer(copying, applier, { source, place: placeIn(prefix, byteString(landing.name)) })
    await applier.finish()
    logContainerEvent(room.database, record.id, 'extract-to-dir')
  } catch (error) {
    throw mergeFailure(error, '/', landing.directory)
  }
}

interface LocalSource {
  readonly path: string
  readonly follow: boolean
  readonly isDirectory: boolean
}

/** @throws {CopyImpossible} it is not there, or no file */
async function localSource({ outside, followLink }: Copying): Promise<LocalSource> {
  const path = absolutePath(outside)
  const follow = followLink || assertsDirectory(path)
  const found = await lookInside(path, { root: '/', follow, idMaps: undefined })
  if (found === undefined) throw new CopyImpossible(`lstat ${path}: no such file or directory`)
  if (found.pseudo) throw new CopyImpossible(`${path} is no file that could be copied`)
  return { path, follow, isDirectory: isDirectory(found) }
}

/** A link there is followed, also to where it says something is and nothing is yet. */
async function insideTarget(copying: Copying, files: OpenFiles): Promise<CopyTarget> {
  const path = tidyPath(copying.inside)
  const target = await lookInside(path, { ...files, follow: true })
  if (target?.pseudo === true) throw new FileNotFound(path, copying.container)
  if (target !== undefined && isDirectory(target)) return { path, kind: 'directory' }
  if (target !== undefined && !isFile(target))
    throw new CopyImpossible(
      `destination "${copying.container}:${copying.inside}" must be a directory or a regular file`,
    )
  // A file is replaced where it is, not the link that leads to it.
  if (target !== undefined) return { path: Buffer.from(target.resolved, 'latin1').toString(), kind: 'other' }
  const link = await lookInside(path.replace(/\/\.?$/, ''), { ...files, follow: false })
  if (link === undefined || link.target === '') return { path, kind: 'missing' }
  const leads = Buffer.from(link.target, 'latin1').toString()
  return { path: leads.startsWith('/') ? leads : join(dirname(path), leads), kind: 'missing' }
}

/** @throws {FileNotFound} @throws {TargetReadOnly} */
async function checkedDirectory(
  { directory }: Landing,
  {
    copying,
    files,
    record,
  }: { readonly copying: Copying; readonly files: OpenFiles; readonly record: ContainerRecord },
): Promise<InsideStat> {
  const found = existing(await lookInside(directory, { ...files, follow: true }), directory, copying.container)
  if (!isDirectory(found)) throw new CopyImpossible('extraction point is not a directory')
  if (found.readOnly)
    throw new TargetReadOnly(isOnVolume(record, found.resolved) ? 'mounted volume' : 'container rootfs')
  return found
}

function isOnVolume({ settings }: ContainerRecord, path: string): boolean {
  const { Mounts, Tmpfs } = settings.host
  const targets = [
    ...Mounts.map(({ Target }) => Target),
    ...Object.keys(Tmpfs),
    ...Object.keys(settings.config.Volumes ?? {}),
  ]
  return targets.some((target) => path === target || path.startsWith(`${target}/`))
}

async function transfer(
  copying: Copying,
  applier: Applier,
  { source, place }: { readonly source: LocalSource; readonly place: (path: string) => string | undefined },
): Promise<void> {
  const attributes = copying.archive ? (entry: TreeEntry) => entry : rootOwned
  const sink = applySink(applier, { place, attributes, keepXattr: () => true, onBytes: copying.onBytes })
  const { path, follow } = source
  await readTree('/', byteString(path), { follow, sink, signal: copying.signal })
}

function rootOwned({ mode }: TreeEntry): { uid: number; gid: number; mode: number } {
  return { uid: 0, gid: 0, mode }
}

async function extract({ io, onBytes, signal }: Copying, applier: Applier, prefix: string): Promise<void> {
  const { extractTar } = await import('../../archive/extract-tar.ts')
  await extractTar(io.stdin, applier, { place: placeIn(prefix, ''), onBytes, signal })
}
