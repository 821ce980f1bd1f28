/** Which links are on a bridge: containers' ends on the host. */
import { readdirSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

const LINKS = '/sys/class/net'

export function linksOn(bridge: string): readonly string[] {
  return readdirSync(LINKS).filter((name) => /^cv-[0-9a-f]{10}$/.test(name) && masterOf(name) === bridge)
}

/** undefined for one that is on no bridge, or gone by now. */
function masterOf(link: string): string | undefined {
  try {
    return basename(readlinkSync(`${LINKS}/${link}/master`))
  } catch {
    return undefined
  }
}
