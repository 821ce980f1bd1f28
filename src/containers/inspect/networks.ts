/** `NetworkSettings` of docker's inspect. */
import type { ContainerRecord } from '../records.ts'

export function describeNetworks({ id, settings: { host, config } }: Pick<ContainerRecord, 'id' | 'settings'>): object {
  const none = {
    EndpointID: '',
    Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    MacAddress: config.MacAddress ?? '',
  }
  const name = host.NetworkMode.startsWith('container:') ? undefined : host.NetworkMode
  return {
    Bridge: '',
    SandboxID: id,
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: {},
    SandboxKey: '',
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    ...none,
    Networks:
      name === undefined || name === ''
        ? {}
        : { [name]: { IPAMConfig: null, Links: null, Aliases: null, NetworkID: '', ...none, DriverOpts: null } },
  }
}
