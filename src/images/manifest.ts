/** Reads manifests, indexes and configs that somebody else wrote: every field that is used later has been checked here. */
import type { Descriptor, HistoryEntry, ImageConfig, Index, Manifest, Platform } from '../oci/descriptor.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { ManifestInvalid } from './errors.ts'

/** More layers than overlay can mount, by far; docker stops at 127. */
const MAX_LAYERS = 500
const MAX_INDEX_ENTRIES = 2000

type Json = Readonly<Record<string, unknown>>

/** @param maxLayers - of an image; what is none may have more @throws {ManifestInvalid} */
export function parseManifest(bytes: Uint8Array, digest: string, maxLayers = MAX_LAYERS): Manifest {
  const what = `manifest ${digest}`
  const json = parseObject(bytes, what)
  if (json['schemaVersion'] !== 2) throw new ManifestInvalid(what, 'schemaVersion is not 2')
  if (json['manifests'] !== undefined || json['fsLayers'] !== undefined) {
    // One document that is a manifest to one reader and an index to the next: CVE-2021-41190.
    throw new ManifestInvalid(what, 'it has fields of another kind of manifest')
  }
  const config = parseDescriptor(json['config'], `config of ${what}`)
  const layers = parseList(json['layers'] ?? [], what, maxLayers).map((layer, index) =>
    parseDescriptor(layer, `layer ${index} of ${what}`),
  )
  return {
    ...(json as object),
    schemaVersion: 2,
    config,
    layers,
    annotations: textMap(json['annotations']),
  } as Manifest
}

/** @throws {ManifestInvalid} */
export function parseIndex(bytes: Uint8Array, digest: string): Index {
  const what = `index ${digest}`
  const json = parseObject(bytes, what)
  if (json['schemaVersion'] !== 2) throw new ManifestInvalid(what, 'schemaVersion is not 2')
  if (json['config'] !== undefined || json['layers'] !== undefined) {
    throw new ManifestInvalid(what, 'it has fields of another kind of manifest')
  }
  const manifests = parseList(json['manifests'], what, MAX_INDEX_ENTRIES).map((entry, index) =>
    parseDescriptor(entry, `entry ${index} of ${what}`),
  )
  return { ...(json as object), schemaVersion: 2, manifests } as Index
}

/** An image config; what is missing gets its default. @throws {ManifestInvalid} */
export function parseConfig(bytes: Uint8Array, digest: string): ImageConfig {
  const what = `config ${digest}`
  const json = parseObject(bytes, what)
  const rootfs = isObject(json['rootfs']) ? json['rootfs'] : {}
  const diffIds = parseList(rootfs['diff_ids'] ?? [], what, MAX_LAYERS)
  if (!diffIds.every((id): id is Digest => typeof id === 'string' && isDigest(id))) {
    throw new ManifestInvalid(what, 'a diff_id is no digest')
  }
  const process = json['config']
  if (process !== undefined && process !== null && !isObject(process)) {
    throw new ManifestInvalid(what, '"config" is no object')
  }
  return {
    ...(json as object),
    os: text(json['os']) ?? 'linux',
    architecture: text(json['architecture']) ?? '',
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: parseList(json['history'] ?? [], what, 10_000).filter(isObject) as readonly HistoryEntry[],
    config: checkProcessConfig(isObject(process) ? process : {}, what),
  }
}

/** Keys whose shape others rely on, checked: strings, lists of strings, maps of strings. */
function checkProcessConfig(config: Json, what: string): NonNullable<ImageConfig['config']> {
  const wrong = (key: string): never => {
    throw new ManifestInvalid(what, `"config.${key}" has the wrong type`)
  }
  for (const key of ['User', 'WorkingDir', 'StopSignal']) {
    if (!isNothing(config[key]) && typeof config[key] !== 'string') wrong(key)
  }
  for (const key of ['Env', 'Entrypoint', 'Cmd', 'Shell', 'OnBuild']) {
    const value = config[key]
    if (!isNothing(value) && !(Array.isArray(value) && value.every((item) => typeof item === 'string'))) wrong(key)
  }
  for (const key of ['Labels', 'Volumes', 'ExposedPorts', 'Healthcheck']) {
    if (!isNothing(config[key]) && !isObject(config[key])) wrong(key)
  }
  const labels = config['Labels']
  if (isObject(labels) && !Object.values(labels).every((value) => typeof value === 'string')) wrong('Labels')
  return config
}

/** @throws {ManifestInvalid} it lacks what every descriptor has */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  if (!isObject(value)) throw new ManifestInvalid(what, 'it is no descriptor')
  const { digest, size, mediaType } = value
  if (typeof digest !== 'string' || !isDigest(digest)) throw new ManifestInvalid(what, 'its digest is malformed')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new ManifestInvalid(what, 'its size is malformed')
  }
  if (typeof mediaType !== 'string' || mediaType.length > 255) throw new ManifestInvalid(what, 'it has no media type')
  return {
    mediaType,
    digest,
    size,
    ...(Array.isArray(value['urls']) && { urls: value['urls'].filter((url) => typeof url === 'string') }),
    ...(isObject(value['annotations']) && { annotations: textMap(value['annotations']) }),
    ...(typeof value['data'] === 'string' && { data: value['data'] }),
    ...(typeof value['artifactType'] === 'string' && { artifactType: value['artifactType'] }),
    ...(isObject(value['platform']) && { platform: parsePlatformObject(value['platform']) }),
  }
}

function parsePlatformObject(value: Json): Platform {
  return {
    os: text(value['os']) ?? 'unknown',
    architecture: text(value['architecture']) ?? 'unknown',
    ...(typeof value['variant'] === 'string' && { variant: value['variant'] }),
    ...(typeof value['os.version'] === 'string' && { 'os.version': value['os.version'] }),
  }
}

/** @throws {ManifestInvalid} the bytes are no JSON object */
export function parseObject(bytes: Uint8Array, what: string): Json {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new ManifestInvalid(what, 'it is no JSON', { cause: error })
  }
  if (!isObject(json)) throw new ManifestInvalid(what, 'it is no JSON object')
  return json
}

function parseList(value: unknown, what: string, limit: number): readonly unknown[] {
  if (value === null) return []
  if (!Array.isArray(value)) throw new ManifestInvalid(what, 'a list is missing')
  if (value.length > limit) throw new ManifestInvalid(what, `it lists more than ${limit} entries`)
  return value
}

function textMap(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isNothing = (value: unknown): boolean => value === undefined || value === null
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
