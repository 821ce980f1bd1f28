/** What rules need to know of a network. */
export interface RuleNetwork {
  readonly id: string
  readonly bridge: string
  readonly subnets: readonly string[]
  /** Nothing leads out of it. */
  readonly internal: boolean
  readonly masquerade: boolean
  /** Its containers may talk to each other. */
  readonly icc: boolean
}
