/** What an image has where a volume is mounted: copied into a volume that is still empty, as a whole or not at all. */
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  type Stats,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { volumeDirectory } from '../paths.ts'
import type { RootFilesystem } from '../plugins/contract.ts'
import { transaction } from '../state/database.ts'
import { removeAll } from '../util/remove-all.ts'
import { usersOf } from '../volumes/records.ts'
import { lockVolume, volumePath } from '../volumes/store.ts'
import type { ContainerRoom } from './room.ts'
import { findInLayers, listInLayers } from './spec/layer-files.ts'

/** @param place - which volume, and where the container has it */
export async function copyUp(
  room: ContainerRoom,
  { volume, target }: { readonly volume: string; readonly target: string },
  rootfs: RootFilesystem,
): Promise<void> {
  if (rootfs.kind !== 'layers') return
  const path = volumePath(room.paths, volume)
  using _lock = await lockVolume(room.database, volume)
  if (readdirSync(path).length > 0) return
  const part = join(volumeDirectory(room.paths, volume), 'part')
  removeAll(part)
  mkdirSync(part)
  fillFromImage(part, rootfs.lower, target)
  // In a transaction: no container that has it starts between the look and the change.
  transaction(room.database, () => {
    const mounted = usersOf(room.database, volume).some(({ state }) => state !== 'created' && state !== 'exited')
    if (!mounted) renameIfEmpty(part, path)
  })
  removeAll(part)
}

/** The rename refuses a directory that is not empty: somebody outside has been writing into it. */
function renameIfEmpty(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
}

/** What the image has at `target`, with owners, modes and times; links are copied as links. */
function fillFromImage(destination: string, layers: readonly string[], target: string): void {
  const found = findInLayers(layers, target)
  if (found === undefined || !found.stats.isDirectory()) return
  copyChildren(destination, layers, `/${found.relative}`)
  takeAttributes(destination, found.stats)
}

function copyChildren(destination: string, layers: readonly string[], path: string): void {
  for (const name of listInLayers(layers, path)) copyEntry(join(destination, name), layers, `${path}/${name}`)
}

function copyEntry(destination: string, layers: readonly string[], path: string): void {
  const found = findInLayers(layers, path, { followLast: false })
  if (found === undefined) return
  const { stats } = found
  if (stats.isSymbolicLink()) {
    symlinkSync(readlinkSync(found.path), destination)
    lchownSync(destination, stats.uid, stats.gid)
    return
  }
  if (stats.isDirectory()) {
    mkdirSync(destination)
    copyChildren(destination, layers, path)
  } else if (stats.isFile()) copyFileSync(found.path, destination, constants.COPYFILE_FICLONE)
  else return // devices, pipes and sockets of an image mean nothing in a volume
  takeAttributes(destination, stats)
}

/** The owner first: changing it clears set-user-id bits. */
function takeAttributes(path: string, stats: Stats): void {
  lchownSync(path, stats.uid, stats.gid)
  chmodSync(path, stats.mode & 0o7777)
  lutimesSync(path, stats.atime, stats.mtime)
}
