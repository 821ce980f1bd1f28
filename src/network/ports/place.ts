/** Where a port is published: the addresses of the host, and the address of the container behind each. */
import { InvalidArgument } from '../../errors.ts'
import { isSix, parseAddress } from '../cidr.ts'
import type { PublishedPort } from '../types.ts'
import type { PortSpec } from './parse.ts'

/** Everywhere, in both versions of IP. */
const ANYWHERE = ['0.0.0.0', '::']
const HOST_BINDING = 'com.docker.network.bridge.host_binding_ipv4'
const SETTING = 'CORACLE_PUBLISH_ADDRESS'

/** A port whose number on the host may still be open. */
export type Place = Omit<PublishedPort, 'hostPort'>

interface Target {
  readonly ipv4: string | undefined
  readonly ipv6: string | undefined
}

/**
 * A port without an address is published on all that `defaults` names, in those versions of IP that the container has.
 *
 * @throws {InvalidArgument} an address of a version that the container has not
 */
export function places(spec: PortSpec, { ipv4, ipv6 }: Target, defaults: readonly string[]): readonly Place[] {
  const { protocol, hostIp, containerPort } = spec
  const behind = (address: string) => (isSix(address) ? ipv6 : ipv4)
  if (isLoopbackSix(hostIp))
    throw new InvalidArgument(
      `cannot publish port ${containerPort}/${protocol} at ${hostIp}: the kernel forwards nothing from there`,
      {
        hint: 'publish at 127.0.0.1, which programs try as well when they are told localhost',
      },
    )
  if (hostIp !== '' && behind(hostIp) === undefined)
    throw new InvalidArgument(
      `cannot publish port ${containerPort}/${protocol} at ${hostIp}: the container's network has no IPv${isSix(hostIp) ? 6 : 4}`,
      {
        hint: 'use a network made with --ipv6',
      },
    )
  return (hostIp === '' ? defaults.filter((address) => !isLoopbackSix(address)) : [hostIp]).flatMap((address) => {
    const containerIp = behind(address)
    return containerIp === undefined ? [] : [{ protocol, hostIp: address, containerIp, containerPort }]
  })
}

function isLoopbackSix(address: string): boolean {
  const parsed = parseAddress(address)
  return parsed?.family === 6 && parsed.value === 1n
}

/**
 * Where ports without an address go: where the network says, or CORACLE_PUBLISH_ADDRESS (`127.0.0.1,fd00::1`), or everywhere.
 *
 * @throws {InvalidArgument} the setting names something else than addresses
 */
export function defaultAddresses(options: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv): readonly string[] {
  const own = options[HOST_BINDING] ?? ''
  if (own !== '' && own !== '0.0.0.0') return [own]
  const setting = env[SETTING] ?? ''
  if (setting === '') return ANYWHERE
  const addresses = setting.split(',').map((word) => word.trim())
  const bad = addresses.find((word) => parseAddress(word) === undefined)
  if (bad === undefined) return addresses
  throw new InvalidArgument(`${SETTING} is no list of addresses: ${JSON.stringify(bad.slice(0, 60))}`, {
    hint: `such as ${SETTING}=127.0.0.1 or ${SETTING}=127.0.0.1,fd00::1`,
  })
}

/** Both cannot be had at once. */
export function clashes(one: PublishedPort, other: PublishedPort): boolean {
  if (one.protocol !== other.protocol || one.hostPort !== other.hostPort) return false
  const [a, b] = [one.hostIp === '' ? '0.0.0.0' : one.hostIp, other.hostIp === '' ? '0.0.0.0' : other.hostIp]
  if (isSix(a) !== isSix(b)) return false
  return a === b || ANYWHERE.includes(a) || ANYWHERE.includes(b)
}
