/** Those that have ports to publish. */
export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const
