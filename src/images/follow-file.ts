/** Reads a file while somebody else still writes it: a layer is unpacked while it is being downloaded. */
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'

/** Where a growing file stands. One writer reports, many readers wait. */
export class Growth {
  #availableBytes = 0
  #finished = false
  #failure: { readonly error: unknown } | undefined
  #waiting: (() => void)[] = []

  /** So many bytes, counted from the beginning of the file, may be read. */
  advance(availableBytes: number): void {
    this.#availableBytes = availableBytes
    this.#wake()
  }

  /** No byte will follow, and what is there has been verified. */
  finish(): void {
    this.#finished = true
    this.#wake()
  }

  /** Every reader fails with `error`. */
  fail(error: unknown): void {
    this.#failure = { error }
    this.#wake()
  }

  /** Resolves when there is more than `readBytes`, or nothing more will come. @returns bytes available, and whether that is all */
  async beyond(readBytes: number): Promise<{ availableBytes: number; finished: boolean }> {
    while (this.#failure === undefined && !this.#finished && this.#availableBytes <= readBytes) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      await promise
    }
    if (this.#failure !== undefined) throw this.#failure.error
    return { availableBytes: this.#availableBytes, finished: this.#finished }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

const READ_BYTES = 512 * 1024

/**
 * The file's bytes as they arrive. Ends only after `growth.finish()`, so a reader that has reached the end knows that
 * everything it read has been verified; fails when the writer fails.
 */
export function followFile(paths: GrowingPaths, growth: Growth): Readable {
  return Readable.from(chunksOf(paths, growth), { objectMode: false, highWaterMark: READ_BYTES })
}

/** The file while it grows, and the name it gets when it is complete. */
export interface GrowingPaths {
  readonly partial: string
  readonly complete: string
}

async function openEither({ partial, complete }: GrowingPaths): Promise<FileHandle> {
  try {
    return await open(partial)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return open(complete)
    throw error
  }
}

async function* chunksOf(paths: GrowingPaths, growth: Growth): AsyncGenerator<Buffer> {
  let file: FileHandle | undefined
  let position = 0
  try {
    for (;;) {
      const { availableBytes, finished } = await growth.beyond(position)
      // The file is renamed when it is complete, never replaced: a handle stays good.
      file ??= await openEither(paths)
      while (position < availableBytes) {
        const length = Math.min(READ_BYTES, availableBytes - position)
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position)
        if (bytesRead === 0) throw new Error(`${paths.partial} was truncated while it was read`)
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
      if (finished && position >= availableBytes) return
    }
  } finally {
    await file?.close()
  }
}
