/**
 * Published ports that obey the host's rules for `input`, where it has any. Addresses are translated before `input`
 * would be passed. So the first packet from a new sender is left as it is and takes that way; if it comes through, its
 * sender is noted, and the packet dropped: the sender repeats it, and then it is forwarded like any other.
 */

/** How long a sender that has come through is not asked again. */
const NOTED = '1m'

/** Containers of the host, and the host itself, are no matter of its rules for what comes in. */
const OUTSIDE = 'iifname != "lo" iifname != "cb-*" meta l4proto { tcp, udp, sctp }'

interface Version {
  readonly ip: 'ip' | 'ip6'
  readonly digit: '' | '6'
  readonly number: '4' | '6'
}

const FOUR: Version = { ip: 'ip', digit: '', number: '4' }
const SIX: Version = { ip: 'ip6', digit: '6', number: '6' }

function versions(six: boolean): readonly Version[] {
  return six ? [FOUR, SIX] : [FOUR]
}

/** Ports that are held, as the maps that forward them have them. Always there, so that they can always be filled. */
export function heldSets(six: boolean): readonly string[] {
  return versions(six).flatMap(({ digit, number }) => [
    `set held_any${digit} { type inet_proto . inet_service; }`,
    `set held_at${digit} { type inet_proto . ipv${number}_addr . inet_service; }`,
  ])
}

/** Who has come through. */
export function notedSets(six: boolean): readonly string[] {
  return versions(six).map(
    (version) =>
      `set noted${version.digit} { typeof ${sender(version)}; size 65535; flags dynamic,timeout; timeout ${NOTED}; }`,
  )
}

/** Before addresses are translated. */
export function askFirst(six: boolean): readonly string[] {
  return versions(six).map(
    (version) => `${OUTSIDE} meta nfproto ipv${version.number} ${sender(version)} != @noted${version.digit} accept`,
  )
}

/** After all rules of the host have let it through. */
export function noteRules(six: boolean): readonly string[] {
  return versions(six).flatMap((version) => {
    const { ip, digit, number } = version
    const note = `add @noted${digit} { ${sender(version)} } drop`
    return [
      `${OUTSIDE} meta l4proto . ${ip} daddr . th dport @held_at${digit} ${note}`,
      `${OUTSIDE} meta nfproto ipv${number} fib daddr type local meta l4proto . th dport @held_any${digit} ${note}`,
    ]
  })
}

function sender({ ip }: Version): string {
  return `iifname . meta l4proto . ${ip} saddr . ${ip} daddr . th dport`
}
