/** `Mounts` of docker's inspect: binds, volumes and tmpfs that the user or the image asked for. */
import type { RuntimeSpec } from '../../oci/runtime-spec.ts'
import { usesBy, type VolumeUse } from '../../volumes/records.ts'
import { volumePath } from '../../volumes/room.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'

/** @param data - the container's directory: earlier containers have their anonymous volumes in it */
export function describeMounts(
  room: Pick<ContainerRoom, 'database' | 'paths'>,
  { id, settings }: Pick<ContainerRecord, 'id' | 'settings'>,
  { spec, data }: { readonly spec: RuntimeSpec | undefined; readonly data: string },
): readonly object[] {
  const asked = settings.host.Mounts.filter(({ Type }) => Type !== 'volume').map((mount) => ({
    Type: mount.Type,
    Source: mount.Source,
    Destination: mount.Target,
    Mode: mount.ReadOnly ? 'ro' : '',
    RW: !mount.ReadOnly,
    Propagation: mount.Type === 'bind' ? (mount.Propagation ?? 'rprivate') : '',
  }))
  const volumes = usesBy(room.database, id).map((use) => describeUse(use, volumePath(room.paths, use.volume)))
  return [...asked, ...volumes, ...earlierVolumes(spec, data)]
}

/** docker's `z` is what it says of every volume that `-v` has mounted. */
function describeUse({ volume, mount }: VolumeUse, path: string): object {
  return {
    Type: 'volume',
    Name: volume,
    Source: path,
    Destination: mount.Target,
    Driver: mount.VolumeDriver ?? 'local',
    Mode: mount.ReadOnly ? 'ro' : mount.CreateMountpoint ? 'z' : '',
    RW: !mount.ReadOnly,
    Propagation: mount.Propagation ?? '',
  }
}

function earlierVolumes(spec: RuntimeSpec | undefined, data: string): readonly object[] {
  return (spec?.mounts ?? [])
    .filter(({ source }) => source?.startsWith(`${data}/volumes/`))
    .map(({ source, destination }) => ({
      Type: 'volume',
      Name: '',
      Source: source,
      Destination: destination,
      Driver: 'local',
      Mode: '',
      RW: true,
      Propagation: '',
    }))
}
