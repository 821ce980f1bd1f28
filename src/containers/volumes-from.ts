/** `--volumes-from CONTAINER[:ro|:rw]`: the binds and volumes of another container, where nothing else is asked for. */
import { InvalidArgument } from '../errors.ts'
import { usesBy } from '../volumes/records.ts'
import type { MountSetting } from '../volumes/types.ts'
import type { ContainerSettings } from './config.ts'
import { findRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** @throws {ContainerNotFound} @throws {InvalidArgument} a mode that is none */
export function withVolumesFrom(room: ContainerRoom, settings: ContainerSettings): ContainerSettings {
  const { host } = settings
  if (host.VolumesFrom === undefined) return settings
  const mounts = new Map(host.VolumesFrom.flatMap((text) => mountsOf(room, text)).map((mount) => [mount.Target, mount]))
  for (const target of [...host.Mounts.map(({ Target }) => Target), ...Object.keys(host.Tmpfs)]) mounts.delete(target)
  return { ...settings, host: { ...host, Mounts: [...host.Mounts, ...mounts.values()] } }
}

function mountsOf({ database }: ContainerRoom, text: string): readonly MountSetting[] {
  const [name = '', mode = 'rw', ...more] = text.split(':')
  if (name === '' || more.length > 0 || !['ro', 'rw', 'z', 'Z'].includes(mode))
    throw new InvalidArgument(`invalid volumes-from specification: '${text}'`, { hint: 'CONTAINER[:ro|:rw]' })
  const { id, settings } = findRecord(database, name)
  const binds = settings.host.Mounts.filter(({ Type }) => Type === 'bind')
  const volumes = usesBy(database, id).map(({ volume, mount }) => ({ ...mount, Source: volume }))
  return [...binds, ...volumes].map((mount) => ({ ...mount, ReadOnly: mount.ReadOnly || mode === 'ro' }))
}
