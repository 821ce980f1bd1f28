/** Binds that are more than a bind: with other owners, with changes of their own, or a part of a volume. */
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgument } from '../errors.ts'
import type { IdMapping, MountSpec } from '../oci/runtime-spec.ts'
import type { IdTriple, MountSetting } from '../volumes/types.ts'
import { isRootless } from './host.ts'

export interface ShapeContext {
  /** The container's own, where changes of overlays go. */
  readonly directory: string
  /** Who its program runs as. */
  readonly user: { readonly uid: number; readonly gid: number }
}

/** @throws {InvalidArgument} what is mounted there cannot be had so */
export function shapeMounts(
  mounts: readonly MountSpec[],
  settings: readonly MountSetting[],
  context: ShapeContext,
): MountSpec[] {
  const wanted = settings.filter(({ IdMap, Overlay, Subpath }) => IdMap ?? Overlay ?? Subpath)
  if (wanted.length === 0) return [...mounts]
  const overlays = wanted.filter(({ Overlay }) => Overlay).map(({ Target }) => Target)
  return mounts.map((mount) => {
    const setting = wanted.findLast(({ Target }) => Target === mount.destination)
    if (setting === undefined) return mount
    if (mount.type !== 'bind')
      throw new InvalidArgument(`what is mounted at ${mount.destination} is a file system of its own`, {
        hint: 'idmap, O and volume-subpath are for directories',
      })
    if (setting.Overlay)
      return overlay(mount, join(context.directory, 'overlays', String(overlays.toSorted().indexOf(setting.Target))))
    const part = setting.Subpath === undefined ? mount : { ...mount, within: setting.Subpath }
    return setting.IdMap === undefined ? part : mapped(part, setting.IdMap, context.user)
  })
}

/** What the user sees at first is the source, owner and mode of its top included. */
function overlay({ destination, source = '' }: MountSpec, home: string): MountSpec {
  const upper = join(home, 'upper')
  const stats = statSync(source)
  if (!stats.isDirectory()) throw new InvalidArgument(`${source} is no directory: O goes with directories only`)
  mkdirSync(join(home, 'work'), { recursive: true })
  if (mkdirSync(upper, { recursive: true }) !== undefined) {
    if (!isRootless()) chownSync(upper, stats.uid, stats.gid)
    chmodSync(upper, stats.mode & 0o7777)
  }
  const lower = source.replace(/[:\\]/g, '\\$&')
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${join(home, 'work')}`]
  return {
    destination,
    type: 'overlay',
    source: 'overlay',
    options: [...options, ...(isRootless() ? ['userxattr'] : [])],
  }
}

function mapped(mount: MountSpec, map: NonNullable<MountSetting['IdMap']>, user: ShapeContext['user']): MountSpec {
  if (isRootless())
    throw new InvalidArgument('idmap needs root: an ordinary user cannot map the ids of a file system', {
      hint: 'the files of the user who starts the container are those of its root already',
    })
  const owner = statSync(mount.source ?? '')
  const uids = map === true ? exchange(owner.uid, user.uid) : map.Uids
  const gids = map === true ? exchange(owner.gid, user.gid) : map.Gids
  return {
    ...mount,
    options: [...(mount.options ?? []), 'idmap'],
    uidMappings: uids.map(toMapping),
    gidMappings: gids.map(toMapping),
  }
}

function toMapping([containerID, hostID, size]: IdTriple): IdMapping {
  return { containerID, hostID, size }
}

const ALL_IDS = 2 ** 32 - 1

/**
 * What belongs to `owner` is shown as that of `user`, everybody else's as it is. What is the `user`'s on the disk is shown as
 * nobody's, so that no other user of the container makes files there that are `user`'s, perhaps root's, outside.
 */
function exchange(owner: number, user: number): readonly IdTriple[] {
  if (owner === user) return [[0, 0, ALL_IDS]]
  const [low, high] = owner < user ? [owner, user] : [user, owner]
  const others: readonly IdTriple[] = [
    [0, 0, low],
    [low + 1, low + 1, high - low - 1],
    [high + 1, high + 1, ALL_IDS - high - 1],
  ]
  return [[owner, user, 1], ...others.filter(([, , size]) => size > 0)]
}
