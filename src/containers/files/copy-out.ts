/** `cp CONTAINER:PATH …`: out of a container, into a directory of the host or a tar stream. */

import { tarSink } from '../../archive/tar-sink.ts'
import { applySink, placeIn, TYPE } from '../../archive/tree-sinks.ts'
import { byteString, openApplier } from '../../linux/apply.ts'
import { readTree, type TreeEntry, type TreeSink } from '../../linux/archive.ts'
import { logContainerEvent } from '../events.ts'
import { findContainer } from '../find.ts'
import type { ContainerRoom } from '../room.ts'
import type { Copying } from './copying.ts'
import { CopyImpossible } from './errors.ts'
import { existing, isDirectory, lookInside, mergeFailure } from './inside.ts'
import { localTarget } from './local-paths.ts'
import { type OpenFiles, openFiles } from './open-files.ts'
import { assertsDirectory, type Landing, landingOf, nameOf, tidyPath } from './places.ts'

export async function copyOut(room: ContainerRoom, copying: Copying): Promise<void> {
  const record = await findContainer(room, copying.container)
  const path = tidyPath(copying.inside)
  // Before anything is opened: a mistake in it costs nothing then.
  const target = copying.outside === '-' ? undefined : localTarget(copying.outside)
  if (target === undefined && copying.io.stdout.isTTY === true)
    throw new CopyImpossible('cowardly refusing to write a tar archive to a terminal', { hint: 'redirect it' })
  await using files = await openFiles(room, record, { write: false })
  const follow = copying.followLink || assertsDirectory(path)
  const found = existing(await lookInside(path, { ...files, follow }), path, copying.container)
  const source = { name: nameOf(path), isDirectory: isDirectory(found) }
  const reading = { path, follow, files, copying }
  if (target === undefined) await writeTar(reading, source.name)
  else await writeTree(reading, landingOf(source, target))
  logContainerEvent(room.database, record.id, 'archive-path')
}

interface Reading {
  readonly path: string
  readonly follow: boolean
  readonly files: OpenFiles
  readonly copying: Copying
}

async function read({ path, follow, files, copying }: Reading, sink: TreeSink): Promise<void> {
  const { idMaps, root } = files
  await readTree(root, byteString(path), { follow, idMaps, sink, signal: copying.signal })
}

async function writeTar(reading: Reading, name: string): Promise<void> {
  const prefix = byteString(name)
  const place = (path: string) =>
    prefix === '' ? (path === '' ? '.' : `./${path}`) : path === '' ? prefix : `${prefix}/${path}`
  const sink = tarSink(reading.copying.io.stdout, { place })
  await read(reading, sink)
  await sink.finish()
}

async function writeTree(reading: Reading, landing: Landing): Promise<void> {
  const { archive, onBytes } = reading.copying
  await using applier = openApplier(`${landing.directory}/.`)
  applier.merge()
  const sink = applySink(applier, {
    place: placeIn('', landing.name),
    attributes: archive && process.geteuid?.() === 0 ? (entry) => entry : ownAttributes,
    keepXattr: (name) => name.startsWith('user.') || process.geteuid?.() === 0,
    onBytes,
  })
  try {
    await read(reading, sink)
    await applier.finish()
  } catch (error) {
    throw mergeFailure(error, landing.directory, landing.directory)
  }
}

/**
 * What is copied belongs to who copies it. So a program of somebody in the container must not become one that runs with the
 * rights of whoever copied it, nor a device one that everybody may open.
 */
function ownAttributes({ mode }: TreeEntry): { uid: number; gid: number; mode: number } {
  const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  const kind = mode & TYPE.mask
  if (kind === TYPE.character || kind === TYPE.block) return { ...owner, mode: mode & 0o600 }
  return { ...owner, mode: kind === TYPE.directory ? mode & 0o1777 : mode & 0o777 }
}
