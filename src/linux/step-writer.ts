/**
 * Records for the native program's apply job, in the form of native/wire.h, written for speed: tens of thousands of them go by
 * in a second. Names are byte strings, a character for each byte, because file names need not be text.
 */

const BLOCK_BYTES = 256 * 1024
/** Shorter content is copied beside its neighbours, longer is passed on as it is. */
const COPY_BYTES = 8 * 1024
const MAX_DATA_BYTES = 1 << 30
const HEAD_BYTES = 8
export const ATTRIBUTE_BYTES = 24
const DATA = 4

export interface NodeAttributes {
  /** Permission bits; for device nodes the type as well. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Since the epoch; the fraction counts upwards, before 1970 too. */
  readonly mtimeSeconds: number
  readonly mtimeNanoseconds: number
}

export const stringBytes = (text: string): number => 4 + text.length + 1

export class StepWriter {
  #block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  #start = 0
  #used = 0
  #parts: Uint8Array[] = []
  #sizeBytes = 0

  /** Begins a record whose payload has exactly `sizeBytes`. */
  begin(code: number, sizeBytes: number): this {
    this.#reserve(HEAD_BYTES + sizeBytes)
    return this.u32(code).u32(sizeBytes)
  }

  u32(value: number): this {
    this.#used = this.#block.writeUInt32LE(value >>> 0, this.#used)
    return this
  }

  /** Whole numbers up to 2^53, negative ones in two's complement. */
  i64(value: number): this {
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32))
  }

  /** @throws {TypeError} the text holds a NUL, which would end it, or something else than bytes */
  string(text: string): this {
    if (text.includes('\0') || WIDE.test(text)) throw new TypeError('a name for the native program is no byte string')
    this.u32(text.length)
    this.#used += this.#block.write(text, this.#used, 'latin1')
    this.#block[this.#used++] = 0
    return this
  }

  bytes(data: Uint8Array): this {
    this.u32(data.length)
    this.#block.set(data, this.#used)
    this.#used += data.length
    return this
  }

  attributes({ mode, uid, gid, mtimeSeconds, mtimeNanoseconds }: NodeAttributes): this {
    return this.u32(mode).u32(uid).u32(gid).i64(mtimeSeconds).u32(mtimeNanoseconds)
  }

  /** A record of content, which must not change until it has been sent. */
  data(chunk: Uint8Array): void {
    if (chunk.length > MAX_DATA_BYTES) throw new TypeError('a piece of content is too large')
    if (chunk.length <= COPY_BYTES) {
      this.begin(DATA, chunk.length)
      this.#block.set(chunk, this.#used)
      this.#used += chunk.length
      return
    }
    this.#reserve(HEAD_BYTES)
    this.u32(DATA).u32(chunk.length)
    this.#cut()
    this.#parts.push(chunk)
    this.#sizeBytes += chunk.length
  }

  /** What has been written since the last call. */
  take(): { readonly parts: readonly Uint8Array[]; readonly sizeBytes: number } {
    this.#cut()
    const taken = { parts: this.#parts, sizeBytes: this.#sizeBytes }
    this.#parts = []
    this.#sizeBytes = 0
    return taken
  }

  #cut(): void {
    if (this.#used === this.#start) return
    this.#parts.push(this.#block.subarray(this.#start, this.#used))
    this.#sizeBytes += this.#used - this.#start
    this.#start = this.#used
  }

  #reserve(size: number): void {
    if (this.#used + size <= this.#block.length) return
    this.#cut()
    this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, size))
    this.#start = 0
    this.#used = 0
  }
}

const WIDE = /[\u0100-\uffff]/
