/** Ports of a running container that its supervisor holds, while it is on no network that they could lead to. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PublishedPort } from '../../network/types.ts'

/** Beside the sockets, so that it is gone with the run. */
const FILE = 'idle-ports.json'

/** Whole or not at all. */
export function keepPorts(runDirectory: string, ports: readonly PublishedPort[]): void {
  if (ports.length === 0) return
  const path = join(runDirectory, FILE)
  writeFileSync(`${path}.part`, JSON.stringify(ports), { mode: 0o600 })
  renameSync(`${path}.part`, path)
}

export function idlePorts(runDirectory: string): readonly PublishedPort[] {
  try {
    return JSON.parse(readFileSync(join(runDirectory, FILE), 'utf8')) as readonly PublishedPort[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Idempotent. */
export function forgetPorts(runDirectory: string): void {
  rmSync(join(runDirectory, FILE), { force: true })
}
