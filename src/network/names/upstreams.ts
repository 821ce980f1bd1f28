/** The host's resolvers, whom responders ask for what they do not know themselves. */

/**
 * Those of a resolv.conf(5), in its order. Addresses of one link only (`fe80::1%eth0`) are left out.
 *
 * @param text - of the host's /etc/resolv.conf
 */
export function readUpstreams(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(?<address>[0-9a-fA-F:.]+)[ \t]*(?:[#;].*)?$/gm)].flatMap(
    ({ groups }) => groups?.['address'] ?? [],
  )
}
