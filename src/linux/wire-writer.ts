/** Writes the length-prefixed form that the native program reads (native/wire.h): little-endian, strings end in a NUL. */

/** Set in a record's code: the native side reports a failure of this step as a warning and goes on. */
export const OPTIONAL = 0x8000_0000

/** Few bytes each time, from code that nothing has compiled yet: a view writes them natively, Buffer's methods check first. */
export class WireWriter {
  #buffer = Buffer.allocUnsafeSlow(32 * 1024)
  #view = viewOf(this.#buffer)
  #used = 0

  /** One record: its code, and what `fill` writes as its payload. */
  record(code: number, fill: (writer: this) => void): this {
    this.u32(code)
    const lengthAt = this.#used
    this.u32(0)
    fill(this)
    this.#view.setUint32(lengthAt, this.#used - lengthAt - 4, true)
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#view.setUint32(this.#used, value, true)
    this.#used += 4
    return this
  }

  u64(value: number | bigint): this {
    this.#reserve(8)
    this.#view.setBigUint64(this.#used, BigInt(value), true)
    this.#used += 8
    return this
  }

  flag(value: boolean): this {
    return this.u32(value ? 1 : 0)
  }

  /** @throws {TypeError} the text holds a NUL: no system call could take it whole */
  string(text: string): this {
    if (text.includes('\0')) throw new TypeError('a string of a launch plan holds a NUL')
    this.#reserve(4 + 3 * text.length + 1) // as UTF-8 it is no longer
    const size = this.#buffer.write(text, this.#used + 4)
    this.u32(size)
    this.#used += size
    this.#view.setUint8(this.#used++, 0)
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
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#used + size))
    this.#buffer.copy(larger, 0, 0, this.#used)
    this.#buffer = larger
    this.#view = viewOf(larger)
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
