/** What containers of a network are called, and what of the outside a container may reach. */

export interface NamedContainer {
  readonly ipv4?: string | undefined
  readonly ipv6?: string | undefined
  /** The first one is what asking for the address answers. */
  readonly names: readonly string[]
}

export interface ResolverConfig {
  /** Ids of the networks whose names are known. */
  readonly networks: readonly string[]
  /** Who is asked for all else, in this order: `10.0.0.1`, `10.0.0.1:53`, `[fd00::1]:53`. Only the first three are. */
  readonly upstreams: readonly string[]
  /** Nobody is asked. */
  readonly internal: boolean
  readonly filter?: NetFilter
}

export type NetProtocol = 'tcp' | 'udp'

/** Without a port every port and protocol is meant, without a protocol both. */
export interface NetPort {
  readonly port?: number
  readonly protocol?: NetProtocol
}

export interface NameRule extends NetPort {
  readonly kind: 'name'
  /** `a.b` itself, `*.b` all below b, `*` every name; lower case. */
  readonly pattern: string
}

export interface AddressRule extends NetPort {
  readonly kind: 'addresses'
  readonly family: 4 | 6
  /** With its prefix length. */
  readonly cidr: string
}

export type NetRule = NameRule | AddressRule

export interface NetFilter {
  readonly allow: readonly NetRule[]
  readonly deny: readonly NetRule[]
}

/** What a container with a filter was refused. */
export type Tried =
  | { readonly time: string; readonly kind: 'name'; readonly name: string }
  | {
      readonly time: string
      readonly kind: 'connect'
      readonly address: string
      readonly port?: number
      /** `tcp`, `udp`, `icmp`, or a number of another one. */
      readonly protocol: string
    }
