/** Names of links on the host. */

/** At most fifteen characters, as the kernel wants it. */
export function bridgeOf(networkId: string): string {
  return `cb-${networkId.slice(0, 8)}`
}

/** Of all links on the host's side, a number that rules compare faster than names. */
export function groupOf(networkId: string): number {
  return Number.parseInt(networkId.slice(0, 8), 16)
}

export function linkOf(endpointId: string): string {
  return `cv-${endpointId.slice(0, 10)}`
}

/** What an endpoint with a limit sends goes through it. */
export function shaperOf(endpointId: string): string {
  return `ci-${endpointId.slice(0, 10)}`
}
