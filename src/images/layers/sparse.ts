/** Sparse files in tar archives: GNU's old headers and the PAX forms 0.0, 0.1 and 1.0 (gnu.org/software/tar, Sparse Formats). */
import type { Extent } from './entry.ts'
import { LayerInvalid } from './errors.ts'
import { type PaxRecords, paxNumber } from './pax.ts'

const MAX_EXTENTS = 1_000_000

/** Extents must come in order and stay inside the file: anything else is an attack on whoever trusts them. */
export function checkedExtents(extents: readonly Extent[], sizeBytes: number): readonly Extent[] {
  let end = 0
  for (const { offset, size } of extents) {
    if (!(Number.isSafeInteger(offset + size) && size >= 0 && offset >= end && offset + size <= sizeBytes))
      throw new LayerInvalid('a sparse file has overlapping or outlying pieces')
    end = offset + size
  }
  return extents
}

/** Form 0.1: `GNU.sparse.map` is `offset,size,offset,size…`; form 0.0 repeats keys and is rewritten to it by the reader. */
export function paxExtents(records: PaxRecords): Extent[] | undefined {
  const map = records.get('GNU.sparse.map')
  if (map === undefined) return undefined
  return pairs(map.toString('latin1').split(',').map(Number))
}

/** Form 1.0 begins the data with the map: a count, then offsets and sizes, a decimal number a line, padded to 512 bytes. */
export function isSparse10(records: PaxRecords): boolean {
  return records.get('GNU.sparse.major')?.toString() === '1' && records.get('GNU.sparse.minor')?.toString() === '0'
}

/**
 * @returns the map and how many bytes it takes; undefined when `data` does not hold all of it yet
 */
export function readSparseMap(data: Buffer): { readonly extents: Extent[]; readonly sizeBytes: number } | undefined {
  const numbers: number[] = []
  let wanted = 1
  let at = 0
  while (numbers.length < wanted) {
    const newline = data.indexOf(0x0a, at)
    if (newline === -1) {
      if (data.length - at > 20) throw new LayerInvalid('a sparse file has a malformed map')
      return undefined
    }
    const number = Number(data.toString('latin1', at, newline))
    if (!Number.isSafeInteger(number) || number < 0) throw new LayerInvalid('a sparse file has a malformed map')
    numbers.push(number)
    if (numbers.length === 1) wanted = 1 + checkedCount(number) * 2
    at = newline + 1
  }
  const sizeBytes = Math.ceil(at / 512) * 512
  return data.length < sizeBytes ? undefined : { extents: pairs(numbers.slice(1)), sizeBytes }
}

/** Old GNU headers: four pairs in the header, 21 in each block that follows while the last byte says so. */
export function oldGnuExtents(block: Buffer, at: number, count: number): Extent[] {
  const extents: Extent[] = []
  for (let index = 0; index < count; index++) {
    const offset = octal(block, at + index * 24)
    const size = octal(block, at + index * 24 + 12)
    if (offset === undefined || size === undefined) break
    extents.push({ offset, size })
  }
  return extents
}

/** The size of the file as it will be. */
export function realSize(records: PaxRecords): number | undefined {
  return paxNumber(records.get('GNU.sparse.realsize') ?? records.get('GNU.sparse.size'))
}

function octal(block: Buffer, at: number): number | undefined {
  const text = block.toString('latin1', at, at + 12).replace(/[\0 ]+$/, '')
  if (text === '') return undefined
  if (!/^[0-7]+$/.test(text)) throw new LayerInvalid('a sparse file has a malformed map')
  return Number.parseInt(text, 8)
}

function checkedCount(count: number): number {
  if (count > MAX_EXTENTS) throw new LayerInvalid('a sparse file has too many pieces')
  return count
}

function pairs(numbers: readonly number[]): Extent[] {
  if (numbers.length % 2 !== 0 || numbers.some((number) => !Number.isSafeInteger(number) || number < 0))
    throw new LayerInvalid('a sparse file has a malformed map')
  checkedCount(numbers.length / 2)
  const extents: Extent[] = []
  for (let index = 0; index < numbers.length; index += 2)
    extents.push({ offset: numbers[index] ?? 0, size: numbers[index + 1] ?? 0 })
  return extents
}
