/** Sparse files in tar archives: GNU's old headers and the PAX forms 0.0, 0.1 and 1.0 (gnu.org/software/tar, Sparse Formats). */
import type { Extent } from './entry.ts'
import { LayerInvalid } from './errors.ts'
import { type PaxRecords, paxNumber } from './pax.ts'
import { readNumber } from './tar-header.ts'

const MAX_EXTENTS = 1 << 18

/** Extents must come in order and stay inside the file: anything else is an attack on whoever trusts them. */
export function checkedExtents(extents: readonly Extent[], sizeBytes: number): readonly Extent[] {
  if (extents.length > MAX_EXTENTS) throw new LayerInvalid('a sparse file has too many pieces')
  let end = 0
  for (const { offset, size } of extents) {
    if (!(Number.isSafeInteger(offset + size) && size >= 0 && offset >= end && offset + size <= sizeBytes))
      throw new LayerInvalid('a sparse file has overlapping or outlying pieces')
    end = offset + size
  }
  return extents
}

/** Form 0.1: `GNU.sparse.map` is `offset,size,offset,size…`. */
export function paxExtents(records: PaxRecords): readonly Extent[] | undefined {
  const map = records.get('GNU.sparse.map')
  return map === undefined ? undefined : pairs(map.toString('latin1').split(',').map(mapNumber))
}

/** Form 1.0 begins the data with the map: a count, then offsets and sizes, a decimal number a line, padded to 512 bytes. */
export function isSparse10(records: PaxRecords): boolean {
  return (
    records.get('GNU.sparse.major')?.toString('latin1') === '1' &&
    records.get('GNU.sparse.minor')?.toString('latin1') === '0'
  )
}

export interface SparseMap {
  /** Takes the next block. @returns the map when this was its last one @throws {LayerInvalid} */
  add(block: Buffer): readonly Extent[] | undefined
}

export function openSparseMap(): SparseMap {
  const numbers: number[] = []
  let wanted = 1
  let begun = ''
  return {
    add: (block) => {
      const lines = (begun + block.toString('latin1')).split('\n')
      begun = lines.pop() ?? ''
      for (const line of lines) {
        if (numbers.push(mapNumber(line)) === 1) wanted += checkedCount(numbers[0]) * 2
        if (numbers.length === wanted) return pairs(numbers.slice(1))
      }
      if (begun.length > 20) throw new LayerInvalid('a sparse file has a malformed map')
      return undefined
    },
  }
}

/** Old GNU headers: four pairs in the header, 21 in each block that follows while the byte behind them says so. */
export function oldGnuExtents(block: Buffer, at: number, count: number): Extent[] {
  const extents: Extent[] = []
  for (let index = 0; index < count; index++) {
    const start = at + index * 24
    if (block[start] === 0 || block[start + 12] === 0) break
    extents.push({ offset: readNumber(block, start, 12), size: readNumber(block, start + 12, 12) })
  }
  return extents
}

export const oldGnuRealSize = (block: Buffer, at: number): number => readNumber(block, at + 483, 12)

/** The size of the file as it will be, where the PAX header says so. */
export function paxRealSize(records: PaxRecords): number | undefined {
  return paxNumber(records.get('GNU.sparse.realsize') ?? records.get('GNU.sparse.size'))
}

function mapNumber(text: string): number {
  const number = Number(text)
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(number))
    throw new LayerInvalid('a sparse file has a malformed map')
  return number
}

function checkedCount(count = 0): number {
  if (count > MAX_EXTENTS) throw new LayerInvalid('a sparse file has too many pieces')
  return count
}

function pairs(numbers: readonly number[]): readonly Extent[] {
  if (numbers.length % 2 !== 0) throw new LayerInvalid('a sparse file has a malformed map')
  checkedCount(numbers.length / 2)
  const extents: Extent[] = []
  for (let index = 0; index < numbers.length; index += 2)
    extents.push({ offset: numbers[index] ?? 0, size: numbers[index + 1] ?? 0 })
  return extents
}
