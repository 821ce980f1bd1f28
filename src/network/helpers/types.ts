/** What the helpers have in common. */
import type { HostStep } from '../../linux/plan.ts'
import type { PublishedPort } from '../types.ts'

export type HelperStep = Extract<HostStep, { do: 'network-helper' }>

export interface HelperRequest {
  /** Its path. */
  readonly program: string
  readonly options: readonly string[]
  readonly ports: readonly PublishedPort[]
  /** Of the container, under the run root. */
  readonly directory: string
  /** The container has no user namespace of its own. */
  readonly root: boolean
  readonly mac: string | undefined
}

/** How a container is seen from inside of a helper's network. */
export interface HelperAddresses {
  /** The container's own; undefined: the same as the host's. */
  readonly address: string | undefined
  readonly prefix: number
  readonly gateway: string | undefined
  /** Where the host itself is reached. */
  readonly host: string | undefined
  /** Answers for the host's name servers; with `always` it stands for all of them. */
  readonly resolver: string
  readonly always: boolean
}

/** slirp4netns has chosen these for everybody; pasta is told the same. */
export const ADDRESS = '10.0.2.100'
export const GATEWAY = '10.0.2.2'
export const PREFIX = 24
/** As of a veth: programs look for it. */
export const LINK = 'eth0'
