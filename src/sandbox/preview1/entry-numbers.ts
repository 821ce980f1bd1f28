/**
 * The numbers of a directory's entries, which the specification wants in a listing and Node tells one call at a time. They are kept
 * for as long as the directory has not changed: whatever puts another file under a name changes its time of change.
 */

/** Longer than the kernel's clock for files stands still: a change after a look has another time than all that is older. */
const SETTLED_NS = 100_000_000n
const MAX_DIRECTORIES = 1024
const MAX_NUMBERS = 20_000

interface Known {
  readonly changedNs: bigint
  readonly numbers: Map<string, bigint>
}

const known = new Map<string, Known>()

/** @param status - of the directory, taken before it is listed; the map is to be filled with what is found */
export function entryNumbers(status: {
  readonly device: bigint
  readonly inode: bigint
  readonly changedNs: bigint
}): Map<string, bigint> {
  const { device, inode, changedNs } = status
  const key = `${device}:${inode}`
  const found = known.get(key)
  if (found?.changedNs === changedNs) return found.numbers
  known.delete(key)
  const numbers = new Map([
    ['.', inode],
    ['..', inode],
  ])
  if (BigInt(Date.now()) * 1_000_000n - changedNs < SETTLED_NS) return numbers
  makeRoom()
  known.set(key, { changedNs, numbers })
  return numbers
}

/** They are filled while they are in use: it is counted when the next comes. */
function makeRoom(): void {
  let count = known.size < MAX_DIRECTORIES ? 0 : MAX_NUMBERS
  for (const { numbers } of known.values()) count += numbers.size
  for (const [key, { numbers }] of known) {
    if (count < MAX_NUMBERS) return
    known.delete(key)
    count -= numbers.size
  }
}
