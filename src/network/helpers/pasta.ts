/** pasta (passt.top): its words, for the options that podman users know. */
import { InvalidArgument } from '../../errors.ts'
import { parseAddress } from '../cidr.ts'
import type { PublishedPort } from '../types.ts'
import { hostAddress } from './host-address.ts'
import { ADDRESS, GATEWAY, type HelperAddresses, type HelperRequest, type HelperStep, LINK, PREFIX } from './types.ts'

/** Link-local, so that it is nobody else's: UDP to port 53 of it goes to the host's first name server. */
const RESOLVER = '169.254.1.1'

/** Those that would take the program out of our hands. */
const REFUSED =
  /^(?:-[hPFs1]|-[PFs].+|--(?:help|version|pid|netns|userns|netns-only|runas|fd|socket|one-off|config-net)(?:=.*)?)$/

/** @throws {InvalidArgument} an option that only we may give */
export function checkPastaOptions(options: readonly string[]): void {
  const refused = options.find((option) => REFUSED.test(option))
  if (refused !== undefined) throw new InvalidArgument(`pasta cannot be given ${refused.slice(0, 100)} here`)
}

export function pastaAddresses(options: readonly string[]): HelperAddresses {
  const own = addressing(options)
  const gateway = own ? optionValue(options, '--gateway', '-g') : GATEWAY
  return {
    address: own ? optionValue(options, '--address', '-a') : ADDRESS,
    prefix: PREFIX,
    gateway,
    // The gateway leads to the host, loopback and all, only when that is asked for.
    host: options.includes('--map-gw') ? gateway : hostAddress(),
    resolver: optionValue(options, '--dns-forward') ?? RESOLVER,
    always: false,
  }
}

export function pastaStep({ program, options, ports, directory, root, mac }: HelperRequest): HelperStep {
  const given = options.filter((option) => option !== '--map-gw') // podman's word for leaving out what follows
  const unless = (present: boolean, ...words: string[]) => (present ? [] : words)
  const says = (long: string, short?: string) => optionValue(options, long, short) !== undefined
  const toPort = (protocol: string) => ports.filter((port) => port.protocol === protocol).map(forward)
  const [tcp, udp] = [toPort('tcp'), toPort('udp')]
  return {
    do: 'network-helper',
    program,
    argv: [
      'pasta',
      '--config-net',
      '--foreground',
      ...unless(
        options.some((option) => /^(?:-d|--debug|--trace)$/.test(option)),
        '--quiet',
      ),
      // Written when everything is set up. A pipe in place of the file tells us so.
      ...['--pid', '/dev/stdout'],
      ...unless(addressing(options), '--address', ADDRESS, '--netmask', String(PREFIX), '--gateway', GATEWAY),
      ...unless(says('--ns-ifname', '-I'), '--ns-ifname', LINK),
      ...(mac === undefined ? [] : ['--ns-mac-addr', mac]),
      ...unless(says('--dns-forward'), '--dns-forward', RESOLVER),
      ...unless(options.includes('--map-gw') || options.includes('--no-map-gw'), '--no-map-gw'),
      ...tcp.flatMap((word) => ['--tcp-ports', word]),
      ...udp.flatMap((word) => ['--udp-ports', word]),
      ...unless(tcp.length > 0 || says('--tcp-ports', '-t'), '--tcp-ports', 'none'),
      ...unless(udp.length > 0 || says('--udp-ports', '-u'), '--udp-ports', 'none'),
      // Nothing of the host's loopback in the container's.
      ...unless(says('--tcp-ns', '-T'), '--tcp-ns', 'none'),
      ...unless(says('--udp-ns', '-U'), '--udp-ns', 'none'),
      ...given,
      // By its pid it is joined with its user namespace. Root's has none, and pasta has no right to look for it.
      ...(root ? ['--runas', '0:0', '--netns', '/proc/self/fd/0'] : ['{pid}']),
    ],
    ready: 1,
    directory,
    socket: '',
    requests: [],
  }
}

/** `192.0.2.1/8080:80` */
function forward({ hostIp, hostPort, containerPort }: PublishedPort): string {
  return `${hostIp}/${hostPort}:${containerPort}`
}

/** Whether the user has a say in the addresses: then all of it is said by the user, or taken over from the host. */
function addressing(options: readonly string[]): boolean {
  const isSix = options.some((option) => option === '-6' || option === '--ipv6-only')
  const asked = optionValue(options, '--address', '-a')
  const four = asked !== undefined && parseAddress(asked)?.family !== 6
  const parts = [
    ['--netmask', '-n'],
    ['--gateway', '-g'],
  ] as const
  return isSix || four || parts.some(([long, short]) => optionValue(options, long, short) !== undefined)
}

/** `--long VALUE`, `--long=VALUE`, `-s VALUE`, `-sVALUE`. */
function optionValue(options: readonly string[], long: string, short?: string): string | undefined {
  for (const [index, option] of options.entries()) {
    if (option === long || option === short) return options[index + 1] ?? ''
    if (option.startsWith(`${long}=`)) return option.slice(long.length + 1)
    if (short !== undefined && option.startsWith(short)) return option.slice(short.length)
  }
  return undefined
}
