/** `idmap`, and podman's `idmap=uids=0-1000-1#1-2000-10;gids=0-100-10`: id of the files, id shown, how many. */
import type { IdTriple, MountSetting } from '../types.ts'
import type { Fail } from './target.ts'

const LARGEST_ID = 2 ** 32 - 2
const MOST_RANGES = 340

/** @param text - what stands behind `idmap=`; empty: by the owner of the source and the user of the container */
export function parseIdMap(text: string, fail: Fail): NonNullable<MountSetting['IdMap']> {
  if (text === '') return true
  const parts = text.split(';').map((part) => /^(uids|gids)=(.+)$/.exec(part))
  const listOf = (kind: string) => {
    const found = parts.filter((part) => part?.[1] === kind)
    return found.length === 1 ? (found[0]?.[2] ?? '').split('#').map((range) => triple(range, fail)) : []
  }
  const map = { Uids: listOf('uids'), Gids: listOf('gids') }
  const complete = parts.length === 2 && map.Uids.length > 0 && map.Gids.length > 0
  if (!complete || [map.Uids, map.Gids].some((list) => list.length > MOST_RANGES))
    throw fail(`invalid id map ${JSON.stringify(text)}: it is uids=FILES-SHOWN-COUNT#…;gids=…`)
  for (const list of [map.Uids, map.Gids]) refuseOverlap(list, fail)
  return map
}

function triple(text: string, fail: Fail): IdTriple {
  const match = /^(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(text)
  const [files = 0, shown = 0, size = 0] = match?.slice(1).map(Number) ?? []
  if (size < 1 || files + size - 1 > LARGEST_ID || shown + size - 1 > LARGEST_ID)
    throw fail(`invalid id range ${JSON.stringify(text)}: it is FILES-SHOWN-COUNT`)
  return [files, shown, size]
}

function refuseOverlap(list: readonly IdTriple[], fail: Fail): void {
  for (const side of [0, 1] as const) {
    const sorted = list.toSorted((a, b) => a[side] - b[side])
    if (
      sorted.some(
        (range, index) => index > 0 && range[side] < (sorted[index - 1]?.[side] ?? 0) + (sorted[index - 1]?.[2] ?? 0),
      )
    )
      throw fail('id ranges overlap')
  }
}

/** As it was typed, without `idmap=`; empty where nothing stood there. */
export function idMapText(map: NonNullable<MountSetting['IdMap']>): string {
  if (map === true) return ''
  const list = (ranges: readonly IdTriple[]) => ranges.map((range) => range.join('-')).join('#')
  return `uids=${list(map.Uids)};gids=${list(map.Gids)}`
}
