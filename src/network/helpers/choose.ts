/**
 * Networks without root: a program beside the container (pasta, slirp4netns) carries its traffic through sockets of the
 * user. Which of them a mode names, and which of them work here.
 */
import { accessSync, constants, readFileSync } from 'node:fs'
import { HostUnsupported } from '../../errors.ts'

export type HelperName = 'pasta' | 'slirp4netns'

/** By Debian's names. */
const PACKAGES: Readonly<Record<HelperName, string>> = { pasta: 'passt', slirp4netns: 'slirp4netns' }
const PLACES = ['/usr/local/bin', '/usr/bin', '/bin']
const TUN = '/dev/net/tun'

export interface HelperMode {
  readonly name: HelperName
  /** What follows the colon, cut at commas. */
  readonly options: readonly string[]
}

/** `pasta`, `pasta:OPTION,…`, `slirp4netns:KEY=VALUE,…`; undefined: the mode of something else. */
export function helperMode(mode: string): HelperMode | undefined {
  const match = /^(pasta|slirp4netns)(?::(.*))?$/s.exec(mode)
  if (match === null) return undefined
  const options = (match[2] ?? '').split(',').filter((option) => option !== '')
  return { name: match[1] as HelperName, options }
}

/** The one for containers that ask for none; undefined: none works here. */
export function usualHelper(): HelperName | undefined {
  if (!isAccessible(TUN, constants.R_OK | constants.W_OK)) return undefined
  // pasta copies the host's routes, and refuses to start where there are none; slirp4netns does not care.
  if (isInstalled('pasta') && (hasDefaultRoute() || !isInstalled('slirp4netns'))) return 'pasta'
  return isInstalled('slirp4netns') ? 'slirp4netns' : undefined
}

/** @throws {HostUnsupported} it is not installed, or this user may not use it */
export function helperProgram(name: HelperName): string {
  const program = find(name)
  if (program === undefined)
    throw new HostUnsupported(`network ${name} needs the program ${name}, which is not installed`, {
      hint: `install the package ${PACKAGES[name]}`,
    })
  refuseWithoutTun(`network ${name}`)
  return program
}

/** Why there is no helper, to somebody who needs one for `what`. @throws {HostUnsupported} */
export function refuseWithoutHelper(what: string): never {
  if (isInstalled('pasta') || isInstalled('slirp4netns')) refuseWithoutTun(what)
  throw new HostUnsupported(`${what} needs a network, and an ordinary user has none here`, {
    hint: 'install the package passt (pasta) or slirp4netns, or run it as root',
  })
}

function refuseWithoutTun(what: string): void {
  if (isAccessible(TUN, constants.R_OK | constants.W_OK)) return
  throw new HostUnsupported(`${what} needs ${TUN}, which cannot be opened`, {
    hint: `as root: modprobe tun, and chmod 666 ${TUN}`,
  })
}

function find(name: HelperName): string | undefined {
  const places = [...(process.env['PATH'] ?? '').split(':').filter((place) => place.startsWith('/')), ...PLACES]
  return places.map((place) => `${place}/${name}`).find((path) => isAccessible(path, constants.X_OK))
}

function isInstalled(name: HelperName): boolean {
  return find(name) !== undefined
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

/** Of the host, of either version of IP. */
export function hasDefaultRoute(): boolean {
  return defaultLink() !== undefined || hasDefaultRoute6()
}

/** The link of the host's default route of IP version 4. */
export function defaultLink(): string | undefined {
  const fields = lines('/proc/net/route').map((line) => line.split('\t'))
  return fields.find(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')?.[0]
}

export function hasDefaultRoute6(): boolean {
  return lines('/proc/net/ipv6_route').some((line) => /^0{32} 00 .* (?!lo$)\S+$/.test(line.trim()))
}

function lines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return [] // a kernel without that version of IP
  }
}
