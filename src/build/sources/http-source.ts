/** A file behind a URL: kept by its digest, and asked for again only when the server says that it has changed. */
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import type { HttpResponse } from '../../registry/http.ts'
import { header } from '../../registry/manifests.ts'
import type { Database } from '../../state/database.ts'
import { stepKey } from '../cache/key.ts'
import { NotGranted, SourceFailed } from '../errors.ts'
import { makeScratch } from '../scratch.ts'
import type { Grants } from '../settings.ts'
import { type Fetched, fetchFile } from './http-download.ts'
import { findSource, type Keeping, keepSource, type SourceStore } from './kept.ts'
import { shownAddress, shownUrl } from './shown.ts'

export interface HttpFile {
  /** On the host; it may not be changed. */
  readonly path: string
  /** `sha256:…` */
  readonly digest: string
  /** By `Last-Modified`; 0 where nothing is said. */
  readonly mtimeSeconds: number
}

export interface HttpRequest extends Keeping {
  readonly url: string
  /** `sha256:…` that it must have. */
  readonly checksum?: string | undefined
  readonly grants: Grants
  /** How long it may be, in bytes, by its first 512. @throws {SourceFailed} it is of no use */
  readonly limit?: ((head: Buffer) => number | undefined) | undefined
  readonly stallMs?: number | undefined
  readonly onStatus: (text: string) => void
}

const DATA = 'data'

/** @throws {SourceFailed} @throws {InvalidArgument} no URL, or no checksum */
export async function openHttpFile(store: SourceStore, request: HttpRequest): Promise<HttpFile> {
  const { checksum } = request
  const address = addressed(request)
  const key = stepKey('url', [address.url.href, address.headers['authorization'] ?? ''])
  const row = readRow(store.database, key)
  if (checksum === undefined) return askAgain(store, { ...request, ...address, key, row })
  const pinned = parseChecksum(checksum)
  const kept = findSource(store, pinned, request)
  if (kept !== undefined) return fileOf(kept, pinned, row?.source === pinned ? row.last_modified : null)
  return fetchNew(store, { ...request, ...address, key, pinned })
}

type Asking = Omit<HttpRequest, 'url'> & Addressed & { readonly key: string }

/** Nothing but a question where the server still has what is kept. */
async function askAgain(
  store: SourceStore,
  { row, ...asking }: Asking & { readonly row: UrlRow | undefined },
): Promise<HttpFile> {
  const kept = row === undefined ? undefined : findSource(store, row.source, asking)
  if (row === undefined || kept === undefined) return fetchNew(store, asking)
  const headers = { ...asking.headers, ...conditionsOf(row) }
  const known = { row, file: fileOf(kept, row.source, row.last_modified) }
  return fetchNew(store, { ...asking, headers, known })
}

interface Known {
  readonly row: UrlRow
  readonly file: HttpFile
}

async function fetchNew(
  store: SourceStore,
  { known, pinned, key, ...asking }: Asking & { readonly known?: Known; readonly pinned?: string },
): Promise<HttpFile> {
  const { url } = asking
  await using scratch = makeScratch(store.paths)
  const path = join(scratch.path, 'download')
  const fetched = await fetchFile({
    ...asking,
    path,
    isSame: (answer) => known !== undefined && holds(known.row, answer),
  })
  if (fetched === undefined) {
    if (known === undefined) throw new Error(`${shownUrl(url)}: nothing to be the same as`) // `isSame` has said no
    return known.file
  }
  const { digest, lastModified } = fetched
  if (pinned !== undefined && pinned !== digest)
    throw new SourceFailed(`digest mismatch sha256 of ${shownUrl(url)}: sha256:${digest} expected: sha256:${pinned}`)
  const make = async (directory: string) => renameSync(path, join(directory, DATA))
  const home = await keepSource(
    store,
    { key: digest, kind: 'source.http', description: `http url ${shownUrl(url)}`, make },
    asking,
  )
  writeRow(store.database, key, fetched)
  return fileOf(home, digest, lastModified ?? null)
}

function fileOf(home: string, digest: string, lastModified: string | null): HttpFile {
  const modified = Date.parse(lastModified ?? '')
  const mtimeSeconds = Number.isNaN(modified) ? 0 : Math.floor(modified / 1000)
  return { path: join(home, DATA), digest: `sha256:${digest}`, mtimeSeconds }
}

/** @throws {InvalidArgument} */
function parseChecksum(text: string): string {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(text) ?? []
  if (hex !== undefined) return hex
  throw new InvalidArgument(`invalid checksum ${JSON.stringify(text.slice(0, 200))} of a URL`, {
    hint: 'write sha256: and 64 hexadecimal digits',
  })
}

interface Addressed {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

/** Who asks is said by secrets, named as BuildKit's are, or in the address. */
function addressed({ url: text, grants }: HttpRequest): Addressed {
  if (!URL.canParse(text)) throw new InvalidArgument(`invalid URL ${JSON.stringify(shownAddress(text).slice(0, 200))}`)
  const url = new URL(text)
  url.hash = ''
  const { username, password } = url
  url.username = ''
  url.password = ''
  const header = grants.secrets.get(`HTTP_AUTH_HEADER_${url.hostname}`)?.value.toString().trim()
  const token = grants.secrets.get(`HTTP_AUTH_TOKEN_${url.hostname}`)?.value.toString().trim()
  const pair = decoded(`${username}:${password}`)
  const basic = username === '' ? undefined : `Basic ${Buffer.from(pair).toString('base64')}`
  const authorization = token === undefined ? (header ?? basic) : `Bearer ${token}`
  if (authorization === undefined) return { url, headers: {} }
  if (/[\0\r\n]/.test(authorization)) throw new NotGranted(`the secret for ${url.hostname} has more than one line`)
  return { url, headers: { authorization } }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new InvalidArgument('invalid URL escape in the user of a URL', { cause: error })
  }
}

interface UrlRow {
  readonly source: string
  readonly etag: string | null
  readonly last_modified: string | null
  readonly settled: number
}

function conditionsOf({ etag, last_modified: lastModified, settled }: UrlRow): Readonly<Record<string, string>> {
  if (etag !== null) return { 'if-none-match': etag }
  return lastModified !== null && settled === 1 ? { 'if-modified-since': lastModified } : {}
}

/** Some servers send the whole file, though its tag is the one that was asked about. */
function holds(row: UrlRow | undefined, answer: HttpResponse): boolean {
  if (answer.status === 304) return true
  const etag = header(answer, 'etag')
  return answer.status === 200 && etag !== undefined && strong(etag) === strong(row?.etag ?? '')
}

const strong = (etag: string): string => etag.replace(/^W\//, '')

function readRow(database: Database, key: string): UrlRow | undefined {
  return database.prepare('SELECT * FROM build_urls WHERE key = ?').get(key) as UrlRow | undefined
}

/** Two versions within a minute of each other may have one time (RFC 9110, 8.8.2.2). */
const SETTLED_MS = 60_000

function writeRow(database: Database, key: string, { digest, etag, lastModified, date }: Fetched): void {
  const settled = Date.parse(date ?? '') - Date.parse(lastModified ?? '') >= SETTLED_MS
  database
    .prepare(`INSERT OR REPLACE INTO build_urls (key, source, etag, last_modified, settled)
      VALUES (?, ?, ?, ?, ?)`)
    .run(key, digest, etag ?? null, lastModified ?? null, settled ? 1 : 0)
}
