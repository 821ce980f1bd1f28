/** Directories behind the volumes that an image declares, or `-v /path` asks for: new, and filled from the image. */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
} from 'node:fs'
import { join, normalize } from 'node:path'
import type { RootFilesystem } from '../plugins/contract.ts'
import type { ContainerConfig, HostConfig } from './config.ts'
import { findInLayers, listInLayers } from './spec/layer-files.ts'

export interface VolumesInput {
  readonly config: ContainerConfig
  readonly host: HostConfig
  /** The container's directory; volumes live and die with it. */
  readonly directory: string
  readonly rootfs: RootFilesystem
}

/** One directory for each path that nothing else is mounted on. */
export function makeVolumes(input: VolumesInput): { source: string; target: string }[] {
  const { config, host, directory, rootfs } = input
  const taken = new Set([
    ...host.Mounts.filter((mount) => mount.Type !== 'volume').map((mount) => mount.Target),
    ...Object.keys(host.Tmpfs),
  ])
  const anonymous = host.Mounts.filter((mount) => mount.Type === 'volume').map((mount) => mount.Target)
  const declared = Object.keys(config.Volumes ?? {}).map((path) => normalize(`/${path}`).replace(/(.)\/+$/, '$1'))
  const targets = [...new Set([...anonymous, ...declared])].filter((target) => !taken.has(target) && target !== '/')
  return targets.map((target, index) => {
    const source = join(directory, 'volumes', String(index))
    if (!existsSync(source)) makeVolume(source, rootfs, target)
    return { source, target }
  })
}

/** Filled aside, then renamed: one that is there is whole, and its content the container's. */
function makeVolume(source: string, rootfs: RootFilesystem, target: string): void {
  const part = `${source}.part`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part, { recursive: true })
  if (rootfs.kind === 'layers') fillFromImage(part, rootfs.lower, target)
  renameSync(part, source)
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
