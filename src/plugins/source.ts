/** Where a single-file command comes from: a file here, one of a web server, or an artifact of a registry. */
import { readFileSync, statSync } from 'node:fs'
import { extname, posix, resolve } from 'node:path'
import { type Digest, digestOf } from '../oci/digest.ts'
import { canonicalName, parseReference, type Reference, withDefaultTag } from '../oci/reference.ts'
import type { RegistryRepository } from '../registry/client.ts'
import { fetchArtifact } from './artifact.ts'
import type { Language } from './confine.ts'
import { PluginInvalid } from './errors.ts'

/** What comes from elsewhere; the engine knows how. */
export interface Reach {
  /** @throws when it is larger than `maxBytes`, or takes longer than `timeoutMs` */
  download(url: URL, limits: { readonly maxBytes: number; readonly timeoutMs: number }): Promise<Buffer>
  repository(reference: Reference, scope: 'pull' | 'push'): RegistryRepository
}

export interface Fetched {
  /** Absolute path, address, or `oci://` and the whole reference. */
  readonly origin: string
  /** What it is called in errors, and named after where it says no name: `hello.ts`. */
  readonly file: string
  readonly language: Language
  readonly bytes: Buffer
  /** What stands for the content: the digest of the manifest where there is one, else of the file. */
  readonly pin: Digest
  /** Whether somebody has to confirm that content: it came from elsewhere, and by a name that can change its meaning. */
  readonly unconfirmed: boolean
}

export const MAX_FILE_BYTES = 16 << 20
const DOWNLOAD_TIMEOUT_MS = 120_000
const LANGUAGES: Readonly<Record<string, Language>> = {
  '.ts': 'ts',
  '.js': 'js',
  '.wasm': 'wasm',
  '.mts': 'ts',
  '.mjs': 'js',
}

/** The language that the name of a file says. @throws {PluginInvalid} none of ours */
export function languageOf(file: string): Language {
  const language = LANGUAGES[extname(file)]
  if (language !== undefined) return language
  throw new PluginInvalid(file, 'its name must end in .ts, .js or .wasm', {
    hint: 'a single-file command is one such file',
  })
}

/** `oci://REGISTRY/REPOSITORY[:TAG][@DIGEST]`; undefined for whatever does not start like that. */
export function readArtifactName(source: string): Reference | undefined {
  return source.startsWith('oci://') ? withDefaultTag(parseReference(source.slice('oci://'.length))) : undefined
}

/** @throws {PluginInvalid} and whatever the network has to say */
export async function fetchSource(source: string, reach: Reach): Promise<Fetched> {
  const reference = readArtifactName(source)
  const fetched =
    reference !== undefined
      ? await fromRegistry(reference, reach)
      : /^https?:/i.test(source)
        ? await fromWeb(source, reach)
        : fromDisk(source)
  if (fetched.language !== 'wasm') refuseBinary(fetched)
  return fetched
}

function fromDisk(file: string): Fetched {
  const origin = resolve(file)
  const language = languageOf(file)
  const stat = statSync(origin, { throwIfNoEntry: false })
  if (stat === undefined) throw new PluginInvalid(file, 'there is no such file')
  if (!stat.isFile()) throw new PluginInvalid(file, 'it is no file')
  if (stat.size > MAX_FILE_BYTES) throw new PluginInvalid(file, `it is larger than ${MAX_FILE_BYTES >> 20} MiB`)
  const bytes = readFileSync(origin)
  return { origin, file, language, bytes, pin: digestOf(bytes), unconfirmed: false }
}

async function fromWeb(source: string, { download }: Reach): Promise<Fetched> {
  if (!URL.canParse(source)) throw new PluginInvalid(source, 'it is no address')
  const url = new URL(source)
  url.hash = ''
  if (url.username !== '' || url.password !== '')
    throw new PluginInvalid(`${url.host}${url.pathname}`, 'an address that holds a password would be written down')
  const file = posix.basename(decoded(url.pathname))
  const language = languageOf(file)
  const bytes = await download(url, { maxBytes: MAX_FILE_BYTES, timeoutMs: DOWNLOAD_TIMEOUT_MS })
  return { origin: url.href, file, language, bytes, pin: digestOf(bytes), unconfirmed: true }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path // percent signs that mean nothing are part of the name
  }
}

async function fromRegistry(reference: Reference, { repository }: Reach): Promise<Fetched> {
  const { file, bytes, manifest } = await fetchArtifact(repository(reference, 'pull'), MAX_FILE_BYTES)
  const origin = `oci://${canonicalName(reference)}`
  return { origin, file, language: languageOf(file), bytes, pin: manifest, unconfirmed: reference.digest === undefined }
}

/** Rather than an error of the parser in line 1. */
function refuseBinary({ bytes, file }: Fetched): void {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new PluginInvalid(file, 'it is no text in UTF-8', { cause })
  }
}
