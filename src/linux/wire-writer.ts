/** Writes the length-prefixed form that the native program reads (native/wire.h): little-endian, strings end in a NUL. */

/** Set in a record's code: the native side reports a failure of this step as a warning and goes on. */
export const OPTIONAL = 0x8000_0000

export class WireWriter {
  #buffer = Buffer.allocUnsafe(16 * 1024)
  #used = 0

  /** One record: its code, and what `fill` writes as its payload. */
  record(code: number, fill: (writer: this) => void): this {
    this.u32(code)
    const lengthAt = this.#used
    this.u32(0)
    fill(this)
    this.#buffer.writeUInt32LE(this.#used - lengthAt - 4, lengthAt)
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#used = this.#buffer.writeUInt32LE(value >>> 0, this.#used)
    return this
  }

  u64(value: number | bigint): this {
    this.#reserve(8)
    this.#used = this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), this.#used)
    return this
  }

  flag(value: boolean): this {
    return this.u32(value ? 1 : 0)
  }

  /** @throws {TypeError} the text holds a NUL: no system call could take it whole */
  string(text: string): this {
    if (text.includes('\0')) throw new TypeError('a string of a launch plan holds a NUL')
    const size = Buffer.byteLength(text)
    this.u32(size)
    this.#reserve(size + 1)
    this.#used += this.#buffer.write(text, this.#used)
    this.#used = this.#buffer.writeUInt8(0, this.#used)
    return this
  }

  strings(list: readonly string[]): this {
    this.u32(list.length)
    for (const text of list) this.string(text)
    return this
  }

  /** Ranges of ids, as a user namespace maps them. */
  ranges(list: readonly { readonly inside: number; readonly outside: number; readonly size: number }[]): this {
    this.u32(list.length)
    for (const { inside, outside, size } of list) this.u32(inside).u32(outside).u32(size)
    return this
  }

  bytes(data: Uint8Array): this {
    return this.u32(data.length).raw(data)
  }

  /** Without a length: what fills a record to its end. */
  raw(data: Uint8Array): this {
    this.#reserve(data.length)
    this.#buffer.set(data, this.#used)
    this.#used += data.length
    return this
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#used)
  }

  #reserve(size: number): void {
    if (this.#used + size <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#used + size))
    this.#buffer.copy(larger, 0, 0, this.#used)
    this.#buffer = larger
  }
}
