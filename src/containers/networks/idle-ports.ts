/** Ports of a running container that its supervisor holds, while it is on no network that they could lead to. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { PublishedPort } from '../../network/types.ts'
import { readJson, replaceJson } from '../../util/json-file.ts'

/** Beside the sockets, so that it is gone with the run. */
const FILE = 'idle-ports.json'

export function keepPorts(runDirectory: string, ports: readonly PublishedPort[]): void {
  if (ports.length > 0) replaceJson(join(runDirectory, FILE), ports)
}

export function idlePorts(runDirectory: string): readonly PublishedPort[] {
  return (readJson(join(runDirectory, FILE)) as readonly PublishedPort[] | undefined) ?? []
}

/** Idempotent. */
export function forgetPorts(runDirectory: string): void {
  rmSync(join(runDirectory, FILE), { force: true })
}
