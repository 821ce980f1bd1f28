/** Entries of a log from a place on, and the search for that place. Memory stays bounded whatever the files hold. */

import { MAX_LINE_BYTES, parseEntry, type StoredEntry } from './entry.ts'
import { type LogFile, openLogFiles, openNext } from './files.ts'

const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a

/** Where reading goes on: in the first of the files. */
interface Position {
  readonly files: LogFile[]
  offset: number
}

export class LogLines {
  readonly #path: string
  readonly #files: LogFile[]
  #offset: number
  #rest: Buffer = Buffer.alloc(0)
  #skipping = false

  private constructor(path: string, { files, offset }: Position) {
    this.#path = path
    this.#files = files
    this.#offset = offset
  }

  /** @param tail - how many of the last entries; undefined for all */
  static async open(path: string, tail: number | undefined): Promise<LogLines> {
    const files = await openLogFiles(path)
    return new LogLines(path, tail === undefined ? { files, offset: 0 } : await seekTail(files, tail))
  }

  /** Whole entries up to the present end, in the order they were written. Call it again for what has come since. */
  async *read(): AsyncGenerator<StoredEntry> {
    if (this.#files.length === 0) this.#files.push(...(await openLogFiles(this.#path)))
    for (;;) {
      const file = this.#files[0]
      if (file === undefined) return
      yield* this.#readFile(file)
      // What was written into it between our last look and its rotation comes before the next file.
      const next = this.#files[1] ?? (await openNext(this.#path, file))
      if (next === undefined) return
      yield* this.#readFile(file)
      await file.handle.close()
      this.#files.splice(0, 2, next)
      this.#offset = 0
      this.#rest = Buffer.alloc(0) // a cut line at the end of a file has no other half
      this.#skipping = false
    }
  }

  async close(): Promise<void> {
    for (const { handle } of this.#files.splice(0)) await handle.close()
  }

  async *#readFile({ handle }: LogFile): AsyncGenerator<StoredEntry> {
    const { size } = await handle.stat()
    if (size < this.#offset) {
      this.#offset = 0 // emptied by `logs --clear`
      this.#rest = Buffer.alloc(0)
    }
    for (;;) {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, this.#offset)
      if (bytesRead === 0) return
      this.#offset += bytesRead
      yield* this.#split(buffer.subarray(0, bytesRead))
    }
  }

  *#split(chunk: Buffer): Generator<StoredEntry> {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = chunk.subarray(start, end)
      const whole = this.#rest.length === 0 ? line : Buffer.concat([this.#rest, line])
      this.#rest = Buffer.alloc(0)
      start = end + 1
      const entry = this.#skipping ? undefined : parseEntry(whole.toString('utf8'))
      this.#skipping = false
      if (entry !== undefined) yield entry
    }
    const left = chunk.subarray(start)
    if (this.#rest.length + left.length > MAX_LINE_BYTES) {
      this.#skipping = true // no entry is as long: skip to its end without keeping it
      this.#rest = Buffer.alloc(0)
    } else this.#rest = Buffer.concat([this.#rest, left])
  }
}

/** Backwards from the end; files that are not needed are closed. */
async function seekTail(files: LogFile[], count: number): Promise<Position> {
  let missing = count
  const newest = files.at(-1)
  if (count === 0 && newest !== undefined) {
    for (const { handle } of files.splice(0, files.length - 1)) await handle.close()
    return { files, offset: (await newest.handle.stat()).size }
  }
  for (let index = files.length - 1; index >= 0; index -= 1) {
    const file = files[index]
    if (file === undefined) break
    const { size } = await file.handle.stat()
    const found = await seekBack(file, size, missing)
    if (found.offset !== undefined) {
      for (const { handle } of files.splice(0, index)) await handle.close()
      return { files, offset: found.offset }
    }
    missing -= found.lines
  }
  return { files, offset: 0 }
}

/** The offset of the `count`th line from the end; undefined, and how many there are, when the file has fewer. */
async function seekBack(
  { handle }: LogFile,
  size: number,
  count: number,
): Promise<{ readonly offset: number | undefined; readonly lines: number }> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let lines = 0
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, end - start, start)
    const block = buffer.subarray(0, bytesRead)
    for (let at = block.lastIndexOf(NEWLINE); at !== -1; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
      // The line feed at the very end closes the last line; each one before it stands before a line.
      if (lines === count) return { offset: start + at + 1, lines }
      lines += 1
    }
    end = start
  }
  return { offset: undefined, lines }
}
