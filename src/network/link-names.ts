/** Names of links on the host. */

/** At most fifteen characters, as the kernel wants it. */
export function bridgeOf(networkId: string): string {
  return `cb-${networkId.slice(0, 8)}`
}

export function linkOf(endpointId: string): string {
  return `cv-${endpointId.slice(0, 10)}`
}
