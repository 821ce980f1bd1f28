/** What the network room answers. */
import type { Kept } from '../errors.ts'
import type { HostStep } from '../linux/plan.ts'
import type { CheckOptions, RoomReport } from '../state/findings.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'

export interface PublishedPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  /** `''` or 0.0.0.0, ::, or one address of the host */
  readonly hostIp: string
  readonly hostPort: number
  readonly containerIp: string
  readonly containerPort: number
}

/** The flags of `network create` as typed. */
export interface CreateNetworkFlags {
  readonly driver?: string | undefined
  readonly subnet?: readonly string[] | undefined
  readonly gateway?: readonly string[] | undefined
  readonly 'ip-range'?: readonly string[] | undefined
  readonly 'aux-address'?: readonly string[] | undefined
  readonly internal?: boolean | undefined
  readonly attachable?: boolean | undefined
  readonly ipv6?: boolean | undefined
  readonly label?: readonly string[] | undefined
  readonly opt?: readonly string[] | undefined
}

/** One row of `network ls`. */
export interface NetworkSummary {
  readonly id: string
  readonly name: string
  readonly driver: string
  readonly createdAtMs: number
  readonly internal: boolean
  readonly ipv6: boolean
  readonly labels: Readonly<Record<string, string>>
}

/** docker's document. */
export type NetworkInspect = Readonly<Record<string, unknown>>

export interface PrunedNetworks {
  /** Their names. */
  readonly deleted: readonly string[]
  readonly kept: readonly Kept[]
}

/** Names are names, ids, or unambiguous prefixes of ids: every method with one may throw `NetworkNotFound`. */
export interface NetworkEngine {
  /** Rules and links in the kernel against records; part of `system check`. */
  check(options: CheckOptions): Promise<RoomReport>
  /** @returns the id @throws {InvalidArgument} @throws {SubnetTaken} @throws {NetworkNameInUse} */
  create(name: string, flags: CreateNetworkFlags): Promise<string>
  /** @param filters - docker's `key=value`, unparsed */
  list(filters: readonly string[]): Promise<readonly NetworkSummary[]>
  inspect(name: string): Promise<NetworkInspect>
  /** With `force` one that is not there is no error, nor one whose driver fails. @throws {NetworkInUse} @throws {PredefinedNetwork} */
  remove(name: string, options?: { readonly force?: boolean }): Promise<void>
  /** Removes all that no container refers to. */
  prune(filters: readonly string[]): Promise<PrunedNetworks>
  /** Bridges and rules that no container has come back to; some later, by another process. */
  takeDownIdle(): Promise<void>
}

/** What the network room asks of the rest of the house. */
export interface NetworkUsers {
  /** Brings records of containers up to date whose processes are gone: their addresses come back. */
  settle(containers: readonly string[]): Promise<void>
  /** Names of networks that a container's settings speak of, running or not. */
  named(): ReadonlySet<string>
}

/** What a container wants of one network. */
export interface ConnectionRequest {
  /** Name or id. */
  readonly network: string
  readonly ipv4?: string | undefined
  readonly ipv6?: string | undefined
  readonly mac?: string | undefined
  /** By which others find it. */
  readonly names: readonly string[]
}

export interface Connected {
  readonly network: NetworkRecord
  readonly endpoint: EndpointRecord
  /** The steps that make the container's link, where a plugin's driver makes it. */
  readonly links?: readonly HostStep[]
}
