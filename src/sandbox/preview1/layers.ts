/** Looking through layers for an entry, and bringing it up into the one that takes changes. */
import { FILE_TYPE } from './abi.ts'
import { Refusal } from './errno.ts'
import type { FileStatus } from './files.ts'
import type { HostDirectory } from './host-directory.ts'
import { find, temporaryName } from './whiteouts.ts'

export interface Found {
  readonly layer: HostDirectory
  readonly status: FileStatus
}

/** @param layers - of one directory, top-most first */
export function findIn(layers: readonly HostDirectory[], name: string): Found | undefined {
  for (const layer of layers) {
    const status = find(layer, name)
    if (status === 'gone') return undefined
    if (status !== undefined) return { layer, status }
  }
  return undefined
}

/** It appears under its name when it is whole. @throws {Refusal} EROFS for what is neither a file nor a link */
export function copyUp(name: string, { layer, status }: Found, upper: HostDirectory): void {
  const temporary = temporaryName()
  if (status.type === FILE_TYPE.symbolicLink) upper.makeLink(temporary, layer.readLink(name))
  else if (status.type === FILE_TYPE.regularFile) layer.copy(name, upper, temporary)
  else throw new Refusal('EROFS')
  upper.setEntryTimes(temporary, { accessed: status.accessedNs, modified: status.modifiedNs })
  upper.rename(temporary, upper, name)
}
