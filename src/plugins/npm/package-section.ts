/** What a package says about itself in its package.json, read as the word of a stranger. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { PluginInvalid } from '../errors.ts'
import { Reader } from '../reader.ts'

/** Kinds of extensions, by their keys in the section `coracle` of package.json. */
export const EXTENSION_KINDS = [
  'backends',
  'logDrivers',
  'networkDrivers',
  'volumeDrivers',
  'credentialHelpers',
] as const
export type ExtensionKind = (typeof EXTENSION_KINDS)[number]

/** Names, and the files of the package that are loaded when one is used. */
export type Extensions = Readonly<Record<ExtensionKind, Readonly<Record<string, string>>>>

export interface PackageSection {
  readonly name: string
  readonly version: string
  readonly summary: string
  /** Range of contract versions; undefined for a package that brings commands alone and states none. */
  readonly contract: string | undefined
  readonly extensions: Extensions
}

/** What Coracle has of its own under these names stays what it is. */
const TAKEN: Readonly<Record<ExtensionKind, readonly string[]>> = {
  backends: ['linux', 'native', 'wasi', 'oci', 'runc', 'crun', 'runsc', 'youki', 'kata-runtime'],
  logDrivers: ['json-file', 'local', 'none', 'journald'],
  networkDrivers: ['bridge', 'macvlan', 'ipvlan', 'host', 'none', 'null', 'pasta', 'slirp4netns'],
  volumeDrivers: ['local'],
  credentialHelpers: [],
}

const MAX_FILE_BYTES = 1 << 20
const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/
const EXTENSION_NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/

/** @param root - directory of the package @throws {PluginInvalid} */
export function readPackageSection(root: string): PackageSection {
  const reader = new Reader(root)
  const source = reader.record(readDocument(root, reader), 'package.json')
  const name = reader.line(source['name'], 'name', 214)
  if (!PACKAGE_NAME.test(name)) reader.fail('its name is none that npm knows')
  const section = source['coracle'] === undefined ? {} : reader.record(source['coracle'], 'coracle')
  const extensions = Object.fromEntries(
    EXTENSION_KINDS.map((kind) => [kind, readExtensions(root, reader, { kind, value: section[kind] })]),
  ) as unknown as Extensions
  const contract = section['contract']
  const empty = EXTENSION_KINDS.every((kind) => Object.keys(extensions[kind]).length === 0)
  if (contract === undefined && !empty)
    reader.fail('its package.json states no contract: write "coracle": { "contract": "^1.0.0" }')
  return {
    name,
    version: reader.line(source['version'] ?? '0.0.0', 'version', 100),
    summary: firstLine(source['description']),
    contract: contract === undefined ? undefined : reader.line(contract, 'coracle.contract', 100),
    extensions,
  }
}

function readDocument(root: string, reader: Reader): unknown {
  const path = join(root, 'package.json')
  if (!existsSync(path)) return reader.fail('it has no package.json')
  if (statSync(path).size > MAX_FILE_BYTES) return reader.fail('its package.json is too large')
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown
  } catch (cause) {
    throw new PluginInvalid(root, 'its package.json is no JSON', { cause })
  }
}

/** A description is no reason to refuse a package: what cannot be shown is left out. */
function firstLine(value: unknown): string {
  if (typeof value !== 'string') return ''
  return (value.split('\n')[0] ?? '').replace(/[\p{Cc}\p{Bidi_Control}]/gu, '').slice(0, 200)
}

function readExtensions(
  root: string,
  reader: Reader,
  { kind, value }: { readonly kind: ExtensionKind; readonly value: unknown },
): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  const entries = Object.entries(reader.record(value, `coracle.${kind}`))
  if (entries.length > 100) reader.fail(`coracle.${kind} has more than 100 entries`)
  for (const [name, file] of entries) {
    const what = `coracle.${kind}.${name.slice(0, 63)}`
    if (!EXTENSION_NAME.test(name))
      reader.fail(`'${reader.visible(name)}' in coracle.${kind} is no name: a-z, 0-9, _ . -`)
    if (TAKEN[kind].includes(name)) reader.fail(`${what} is the name of what Coracle has of its own`)
    checkFile(root, reader, { what, file: reader.line(file, what, 1000) })
  }
  return Object.fromEntries(entries) as Record<string, string>
}

/** In the package, and nowhere else. */
function checkFile(
  root: string,
  reader: Reader,
  { what, file }: { readonly what: string; readonly file: string },
): void {
  const path = join(root, file)
  if (!existsSync(path)) reader.fail(`${what} names ${file}, which is not there`)
  if (!realpathSync(path).startsWith(`${realpathSync(root)}${sep}`)) reader.fail(`${what} leads out of the package`)
  if (!statSync(path).isFile()) reader.fail(`${what} names ${file}, which is no file`)
}
