/**
 * What a module looked for and does not have. The runner sees nothing of the host: whether a flag would have helped is for others to
 * say, who read this file when the module has ended (src/containers/refusals.ts). The module itself learns nothing by it.
 */
import { appendFileSync } from 'node:fs'

export interface Refused {
  /** Absolute, in the container. */
  readonly path: string
  /** Whether it was to be made or changed. */
  readonly writes: boolean
  readonly code: 'ENOENT' | 'EROFS'
}

const MAX_REFUSALS = 64
const MAX_PATH_LENGTH = 1024

let file: string | undefined
const known = new Set<string>()

export function keepRefusals(path: string | undefined): void {
  file = path
}

/** Each once, and not many: a module must not fill a disk with it. */
export function noteRefusal({ path, writes, code }: Refused): void {
  if (file === undefined || known.size >= MAX_REFUSALS || path.length > MAX_PATH_LENGTH) return
  const line = JSON.stringify({ path, writes, code })
  if (known.has(line)) return
  known.add(line)
  try {
    appendFileSync(file, `${line}\n`)
  } catch {
    file = undefined // a full disk: the module goes on without
  }
}
