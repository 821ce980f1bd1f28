/** Reads what sections of WebAssembly files are made of: bytes, LEB128 numbers, names, lists. Trusts none of them. */

export interface BinaryReader {
  at: number
  byte(): number
  /** LEB128, unsigned. */
  number(): number
  name(): string
}

/** Every method throws a RangeError where the bytes end too early. */
export function openReader(bytes: Buffer, start: number): BinaryReader {
  const reader: BinaryReader = {
    at: start,
    byte: () => bytes.readUInt8(reader.at++),
    /** Of sizes beyond 2^53 nobody has that many bytes. */
    number: () => {
      let value = 0
      for (let scale = 1; scale < 2 ** 63; scale *= 128) {
        const byte = reader.byte()
        value += (byte & 0x7f) * scale
        if (byte < 0x80) return value
      }
      throw new RangeError('a number is too long')
    },
    name: () => {
      const size = reader.number()
      if (size > bytes.length - reader.at) throw new RangeError('a name is cut')
      reader.at += size
      return bytes.toString('utf8', reader.at - size, reader.at)
    },
  }
  return reader
}

const MAX_ITEMS = 1_000_000

/** @throws {RangeError} a list of more than a million */
export function times<Item>(count: number, make: () => Item): Item[] {
  if (count > MAX_ITEMS) throw new RangeError('too many items')
  return Array.from({ length: count }, make)
}

/** @throws {RangeError} a section ends behind the file */
export function readEachSection(
  bytes: Buffer,
  read: (section: { readonly id: number; readonly reader: BinaryReader; readonly end: number }) => void,
): void {
  const reader = openReader(bytes, 8)
  while (reader.at < bytes.length) {
    const id = reader.byte()
    const end = reader.number() + reader.at
    if (end > bytes.length) throw new RangeError('a section is cut')
    read({ id, reader, end })
    reader.at = end
  }
}
