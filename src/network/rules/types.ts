/** What rules need to know of a network. */
export interface RuleNetwork {
  readonly id: string
  readonly bridge: string
  /** Of the host's ends of its containers' links. */
  readonly group: number
  /** Tells data roots apart. */
  readonly owner: string
  readonly subnets: readonly string[]
  /** The host's addresses on the bridge. */
  readonly gateways: readonly string[]
  /** Nothing leads out of it. */
  readonly internal: boolean
  readonly masquerade: boolean
  /** What it publishes passes the host's rules for `input` first. */
  readonly obeysInput: boolean | 'where there are rules'
  /** Its containers may talk to each other. */
  readonly icc: boolean
}

/** By these addresses, and no others, a container may speak. */
export interface RuleEndpoint {
  /** The host's end of its link. */
  readonly link: string
  readonly mac: string
  readonly ipv4: string | undefined
  readonly ipv6: string | undefined
}
