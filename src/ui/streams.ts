/** Where `save` writes to, and where `load` and `import` read from. */
import { lstat, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { InvalidArgument } from '../errors.ts'

export interface Output {
  readonly stream: NodeJS.WritableStream
  /** Everything is written; only now does the file get its name. */
  finish(): Promise<void>
  /** Without `finish` nothing is left of it. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * @param path - undefined, empty or `-`: standard output
 * @throws {InvalidArgument} nothing can be written there; a terminal is no place for a tar
 */
export async function openOutput(path: string | undefined): Promise<Output> {
  if (path !== undefined && path !== '' && path !== '-') return openOutputFile(path, 0o600)
  if (process.stdout.isTTY)
    throw new InvalidArgument('cowardly refusing to save to a terminal. Use the -o flag or redirect')
  return { stream: process.stdout, finish: async () => {}, [Symbol.asyncDispose]: async () => {} }
}

/**
 * A device or a pipe is written to as it is; a file is there when it is whole.
 *
 * @param mode - of a file
 * @throws {InvalidArgument} nothing can be written there
 */
export async function openOutputFile(path: string, mode: number): Promise<Output> {
  const { target, isFile } = await placeOf(path)
  const partial = isFile ? `${target}.part${process.pid}` : target
  const handle = await writable(path, () => open(partial, isFile ? 'wx' : 'w', mode))
  const stream = handle.createWriteStream()
  // Whoever writes or calls `finish` hears of it, and what is full is not the data root.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    error.path ??= target
  })
  return {
    stream,
    finish: async () => {
      stream.end()
      await finished(stream)
      if (isFile) await rename(partial, target)
    },
    [Symbol.asyncDispose]: async () => {
      stream.destroy()
      if (isFile) await rm(partial, { force: true })
    },
  }
}

/** Where links lead. */
async function placeOf(path: string): Promise<{ readonly target: string; readonly isFile: boolean }> {
  const found = await writable(path, () =>
    stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    }),
  )
  if (found === undefined) return { target: path, isFile: true }
  if (found.isDirectory()) throw new InvalidArgument(`cannot write ${path}: it is a directory`)
  return found.isFile() ? { target: await realpath(path), isFile: true } : { target: path, isFile: false }
}

async function writable<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such directory' : message
    throw new InvalidArgument(`cannot write ${path}: ${reason}`, { cause: error })
  }
}

/**
 * @param source - a file, an http(s) URL, `-` or undefined for standard input
 * @throws {InvalidArgument} it cannot be read, or standard input is a terminal
 */
export async function openInput(source: string | undefined, command: string): Promise<Readable> {
  if (source === undefined || source === '-') {
    if (process.stdin.isTTY) throw new InvalidArgument(`requested ${command} from stdin, but stdin is empty`)
    return process.stdin
  }
  return /^https?:\/\//.test(source) ? openURL(source) : openFile(source)
}

async function openFile(path: string): Promise<Readable> {
  try {
    if ((await stat(path)).isDirectory()) throw new InvalidArgument(`${path} is a directory, not a tar archive`)
    return (await open(path)).createReadStream({ highWaterMark: 1 << 20 })
  } catch (error) {
    if (error instanceof InvalidArgument) throw error
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : String(error)
    throw new InvalidArgument(`open ${path}: ${reason}`, { cause: error })
  }
}

async function openURL(url: string): Promise<Readable> {
  try {
    const response = await fetch(url)
    if (!response.ok || response.body === null)
      throw new InvalidArgument(`${new URL(url).origin} answered ${response.status} ${response.statusText}`)
    return Readable.fromWeb(response.body)
  } catch (error) {
    if (error instanceof InvalidArgument) throw error
    throw new InvalidArgument(`${new URL(url).origin} cannot be reached`, { cause: error })
  }
}

/** Whole, or not at all, where it is a file. @throws {InvalidArgument} nothing can be written there */
export async function writeTextFile(path: string, text: string): Promise<void> {
  await using output = await openOutputFile(path, 0o666)
  output.stream.write(text)
  await output.finish()
}

/** What an earlier command has written there; a link or a device stays. */
export async function removeTextFile(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined) // writing it tells why
  if (found?.isFile() === true) await rm(path, { force: true })
}
