/**
 * Published ports that obey the host's rules for `input`, on networks that ask for it. Addresses are translated before
 * `input` would be passed. So the first packet from a new sender is left as it is and takes that way; if it comes
 * through, its sender is noted, and the packet dropped: the sender repeats it, and then it is forwarded like any other.
 */
import { PROTOCOLS } from './protocols.ts'

/** How long a sender that has come through is not asked again. */
const NOTED = '1m'

/** Containers of the host, and the host itself, are no matter of its rules for what comes in. */
const OUTSIDE = 'iifname != "lo" iifname != "cb-*"'

interface Version {
  readonly ip: 'ip' | 'ip6'
  readonly digit: '' | '6'
  readonly number: '4' | '6'
}

const FOUR: Version = { ip: 'ip', digit: '', number: '4' }
const SIX: Version = { ip: 'ip6', digit: '6', number: '6' }

/** Ports that are held, by the keys of the maps that forward them; and who has come through. */
export function inputSets(six: boolean): readonly string[] {
  return cases(six).flatMap(([protocol, version]) => [
    `set held_any${version.digit}_${protocol} { type inet_service; }`,
    `set held_at${version.digit}_${protocol} { type ipv${version.number}_addr . inet_service; }`,
    `set noted${version.digit}_${protocol} { typeof ${sender(protocol, version)}; size 65535; flags dynamic,timeout; timeout ${NOTED}; }`,
  ])
}

/** Before addresses are translated. */
export function inputLater(six: boolean): readonly string[] {
  return cases(six).map(
    ([protocol, version]) =>
      `${OUTSIDE} meta nfproto ipv${version.number} ${sender(protocol, version)} != ${notedSet(protocol, version)} accept`,
  )
}

/** After all rules of the host have let it through. */
export function inputNotes(six: boolean): readonly string[] {
  return cases(six).flatMap(([protocol, version]) => {
    const { ip, digit } = version
    const note = `add ${notedSet(protocol, version)} { ${sender(protocol, version)} } drop`
    return [
      `${OUTSIDE} ${ip} daddr . ${protocol} dport @held_at${digit}_${protocol} ${note}`,
      `${OUTSIDE} meta nfproto ipv${version.number} fib daddr type local ${protocol} dport @held_any${digit}_${protocol} ${note}`,
    ]
  })
}

function cases(six: boolean): readonly (readonly [protocol: string, version: Version])[] {
  return (six ? [FOUR, SIX] : [FOUR]).flatMap((version) => PROTOCOLS.map((protocol) => [protocol, version] as const))
}

function sender(protocol: string, { ip }: Version): string {
  return `iifname . ${ip} saddr . ${ip} daddr . ${protocol} dport`
}

function notedSet(protocol: string, { digit }: Version): string {
  return `@noted${digit}_${protocol}`
}
