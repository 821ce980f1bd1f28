/** Where `save` writes to, and where `load` and `import` read from. */
import { createWriteStream, renameSync, rmSync, type WriteStream, writeFileSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
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

/** @param path - undefined: standard output @throws {InvalidArgument} a terminal is no place for a tar */
export function openOutput(path: string | undefined): Output {
  if (path !== undefined && path !== '-') return openOutputFile(path)
  if (process.stdout.isTTY)
    throw new InvalidArgument('cowardly refusing to save to a terminal. Use the -o flag or redirect')
  return { stream: process.stdout, finish: async () => {}, [Symbol.asyncDispose]: async () => {} }
}

function openOutputFile(path: string): Output {
  const partial = `${path}.part${process.pid}`
  const stream: WriteStream = createWriteStream(partial, { mode: 0o600, flags: 'wx' })
  const opened = new Promise<void>((resolve, reject) => stream.once('open', () => resolve()).once('error', reject))
  opened.catch(() => undefined) // told by the stream as well
  return {
    stream,
    finish: async () => {
      stream.end()
      await finished(stream)
      await rename(partial, path)
    },
    [Symbol.asyncDispose]: async () => {
      await opened.catch(() => undefined) // one that is still being opened would appear after its removal
      stream.destroy()
      await rm(partial, { force: true })
    },
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

/** Whole, or not at all. */
export function writeTextFile(path: string, text: string): void {
  const partial = `${path}.part${process.pid}`
  try {
    writeFileSync(partial, text)
    renameSync(partial, path)
  } finally {
    rmSync(partial, { force: true })
  }
}
