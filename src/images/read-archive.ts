/** Reads the tar of `load` onto the disk. Names in it are only keys of a map: no path is ever made of them. */

import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Parser, ReadEntry } from 'tar'
import { CoracleError } from '../errors.ts'
import type { Paths } from '../paths.ts'
import { decompressor, peek, sniffCompression } from './decompress.ts'
import { ArchiveInvalid } from './errors.ts'
import { type Spooled, spool } from './spool.ts'

export interface Archive {
  /** The file of this name, links followed; undefined when there is none. */
  find(name: string): Spooled | undefined
  /** Removes what nobody has adopted. */
  [Symbol.asyncDispose](): Promise<void>
}

const MAX_ENTRIES = 100_000
const MAX_LINKS = 8

/** @throws {ArchiveInvalid} no tar, damaged, or with names that lead out of it */
export async function readArchive(
  paths: Paths,
  input: NodeJS.ReadableStream,
  signal: AbortSignal | undefined,
): Promise<Archive> {
  const files = new Map<string, Spooled>()
  const links = new Map<string, string>()
  const dispose = async () => {
    for (const { path } of files.values()) await rm(path, { force: true })
  }
  try {
    await eachEntry(input, signal, async (entry) => {
      const name = checkedName(entry.path)
      if (files.size + links.size >= MAX_ENTRIES)
        throw new ArchiveInvalid(`the archive has more than ${MAX_ENTRIES} files`)
      if (entry.type === 'SymbolicLink' || entry.type === 'Link') {
        const base = entry.type === 'Link' ? [] : name.split('/').slice(0, -1)
        links.set(name, resolveLink(base, entry.linkpath ?? ''))
      } else if (isFile(entry) && isWanted(name)) {
        const before = files.get(name)
        files.set(name, await spool(paths, 'load', entry as unknown as AsyncIterable<Uint8Array>))
        if (before !== undefined) await rm(before.path, { force: true })
      }
      entry.resume()
    })
  } catch (error) {
    await dispose()
    throw error
  }
  const find = (name: string, depth = 0): Spooled | undefined => {
    const target = links.get(name)
    return files.get(name) ?? (target === undefined || depth > MAX_LINKS ? undefined : find(target, depth + 1))
  }
  return { find: (name) => find(name), [Symbol.asyncDispose]: dispose }
}

const isFile = (entry: ReadEntry): boolean => ['File', 'OldFile', 'ContiguousFile'].includes(entry.type)

/** Anything else is not read: it would only fill the disk. */
function isWanted(name: string): boolean {
  return (
    /^blobs\/sha256\/[0-9a-f]{64}$/.test(name) || /(?:\.json|\.tar|\.tar\.gz|^oci-layout|^repositories)$/.test(name)
  )
}

/** @throws {ArchiveInvalid} absolute names and `..` have no business in an image archive */
function checkedName(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (path.startsWith('/') || parts.includes('..')) {
    throw new ArchiveInvalid(`the archive holds the unsafe name ${JSON.stringify(path.slice(0, 200))}`)
  }
  return parts.join('/')
}

function resolveLink(base: readonly string[], target: string): string {
  const parts = [...base]
  for (const part of target.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined)
        throw new ArchiveInvalid(`the archive holds a link that leads out of it: ${target}`)
    } else if (part !== '' && part !== '.') parts.push(part)
  }
  if (target.startsWith('/')) throw new ArchiveInvalid(`the archive holds an absolute link: ${target}`)
  return parts.join('/')
}

/** Parses a tar, plain or compressed, and waits for `visit` before it reads on. */
export async function eachEntry(
  input: NodeJS.ReadableStream,
  signal: AbortSignal | undefined,
  visit: (entry: ReadEntry) => Promise<void>,
): Promise<void> {
  const { Parser } = await import('tar')
  const { head, all } = await peek(input)
  const compression = sniffCompression(head)
  const stop = new AbortController()
  const pending: Promise<void>[] = []
  const open = new Set<ReadEntry>()
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry: ReadEntry) => {
      if (stop.signal.aborted) return
      open.add(entry)
      entry.on('error', ignoreEcho)
      const visited = visit(entry).finally(() => open.delete(entry))
      pending.push(visited)
      visited.catch((error: unknown) => stop.abort(error))
    },
  })
  const signals = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  try {
    await pipeline(all, decompressor(compression), (source: Readable) => feed(parser, source, stop.signal), {
      signal: signals,
    })
    await Promise.all(pending)
  } catch (error) {
    const reason: unknown = stop.signal.aborted ? stop.signal.reason : error
    stop.abort(reason)
    // Whoever still reads an entry would wait for ever; what they have made must be known before it can be removed.
    for (const entry of open) entry.destroy(reason)
    await Promise.allSettled(pending)
    if (reason instanceof CoracleError || signal?.aborted === true) throw reason
    if (typeof (reason as NodeJS.ErrnoException).syscall === 'string') throw reason
    throw new ArchiveInvalid('the input is no tar archive, or it is damaged', { cause: reason })
  }
}

/** An entry that has been read to its end has nobody left who listens; `destroy` would throw. */
function ignoreEcho(): void {}

async function feed(parser: Parser, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined) // awaited below by whoever waits at that moment
  parser.once('error', (error: unknown) => failed.reject(error))
  signal.addEventListener('abort', () => failed.reject(signal.reason))
  const ended = new Promise<void>((resolve) => parser.once('end', resolve))
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (parser.write(chunk)) continue
    const drained = new Promise<void>((resolve) => parser.once('drain', resolve))
    await Promise.race([drained, failed.promise])
  }
  if (bytes === 0) throw new ArchiveInvalid('the input is empty')
  parser.end()
  await Promise.race([ended, failed.promise])
}
