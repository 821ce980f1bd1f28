/** An address under which containers reach their host. */
import { networkInterfaces } from 'node:os'
import { defaultLink } from './choose.ts'

/** Of the link that leads out; any other but loopback where none does. */
export function hostAddress(): string | undefined {
  const links = networkInterfaces()
  const main = links[defaultLink() ?? ''] ?? []
  return [...main, ...Object.values(links).flat()].find(
    (address) => address !== undefined && address.family === 'IPv4' && !address.internal,
  )?.address
}
