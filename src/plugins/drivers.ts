/**
 * Drivers that npm plugins bring (docs/plugins.md). Each is a module named in the package's `coracle` section, the default
 * export of which makes the driver. Types only.
 */
import type { HostStep, IsolationBackend } from './contract.ts'

export interface ExtensionContext {
  /** The name by which the user asked for it. */
  readonly name: string
  /** A directory of its own, which lasts; it may not be there yet. */
  readonly dataDirectory: string
  /** The same, but emptied when the host starts. */
  readonly runDirectory: string
}

/** What a module of the kind `backends` exports by default: `run --runtime NAME`. */
export type CreateBackend = (context: ExtensionContext) => IsolationBackend | Promise<IsolationBackend>

export interface PluginVolume {
  readonly name: string
  /** `--opt KEY=VALUE` */
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/**
 * Volumes of `volume create -d NAME`. Every method may be called again with the same volume after a crash, and has to
 * bring about the same.
 */
export interface VolumeDriver {
  /** Throws when the options make no sense; then no volume comes to be. */
  create(volume: PluginVolume): Promise<void> | void
  remove(volume: PluginVolume): Promise<void> | void
  /**
   * Before a container with the volume starts; once for each.
   *
   * @param container - its ID
   * @returns the directory of this host that the container sees
   */
  mount(volume: PluginVolume, container: string): Promise<string> | string
  /** After that container's end. */
  unmount(volume: PluginVolume, container: string): Promise<void> | void
}

export type CreateVolumeDriver = (context: ExtensionContext) => VolumeDriver | Promise<VolumeDriver>

export interface PluginNetwork {
  readonly id: string
  readonly name: string
  /** `--opt KEY=VALUE` */
  readonly options: Readonly<Record<string, string>>
  readonly internal: boolean
  /** Version 4 first. */
  readonly subnets: readonly { readonly subnet: string; readonly gateway: string }[]
}

export interface PluginEndpoint {
  readonly id: string
  /** ID of the container. */
  readonly container: string
  /** What the link is called in the container: `eth0`. */
  readonly interface: string
  readonly mac: string
  readonly ipv4?: string
  readonly ipv6?: string
}

/** Networks of `network create -d NAME`. Addresses and routes are given by Coracle; the driver makes the link. */
export interface NetworkDriver {
  /** Throws when the options make no sense; then no network comes to be. */
  create(network: PluginNetwork): Promise<void> | void
  remove(network: PluginNetwork): Promise<void> | void
  /** The steps that put a link called `endpoint.interface` into the container's network namespace: `veth`, `sublink`. */
  join(network: PluginNetwork, endpoint: PluginEndpoint): Promise<readonly HostStep[]> | readonly HostStep[]
  /** After the container's end, and again after a crash. */
  leave(network: PluginNetwork, endpoint: PluginEndpoint): Promise<void> | void
}

export type CreateNetworkDriver = (context: ExtensionContext) => NetworkDriver | Promise<NetworkDriver>

export interface LoggedContainer {
  readonly id: string
  readonly name: string
  readonly image: string
  /** `--log-opt KEY=VALUE` */
  readonly options: Readonly<Record<string, string>>
}

export interface LogLine {
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint
  readonly stream: 'stdout' | 'stderr'
  /** With its line break; without one it goes on in the next. */
  readonly text: string
}

/**
 * Where the log of one container goes with `--log-driver NAME`, in a process of its own. Coracle keeps a log file as
 * well, from which `logs` reads; what the driver is slow to take waits there.
 */
export interface LogDriver {
  /** In the order of the log, one at a time. */
  write(line: LogLine): Promise<void> | void
  /** Nothing more comes from this run of the container. */
  close(): Promise<void> | void
}

/** Throws when the options make no sense; then the container does not start. */
export type CreateLogDriver = (context: ExtensionContext, container: LoggedContainer) => LogDriver | Promise<LogDriver>
