/** `Mounts` of docker's inspect: binds, volumes and tmpfs that the user or the image asked for. */
import type { RuntimeSpec } from '../../oci/runtime-spec.ts'
import type { StoredSettings } from '../records.ts'

/** @param directory - of the container: what is bound from its `volumes` is an anonymous volume */
export function describeMounts(
  { host }: Pick<StoredSettings, 'host'>,
  spec: RuntimeSpec | undefined,
  directory: string,
): readonly object[] {
  const asked = host.Mounts.filter(({ Type }) => Type !== 'volume').map((mount) => ({
    Type: mount.Type,
    Source: mount.Source,
    Destination: mount.Target,
    Mode: mount.ReadOnly ? 'ro' : '',
    RW: !mount.ReadOnly,
    Propagation: mount.Type === 'bind' ? (mount.Propagation ?? 'rprivate') : '',
  }))
  const volumes = (spec?.mounts ?? [])
    .filter(({ source }) => source?.startsWith(`${directory}/volumes/`))
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
  return [...asked, ...volumes]
}
