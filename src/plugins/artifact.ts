/**
 * A single-file command as an artifact of a registry (image-spec, manifest.md, guidelines for artifact usage): a manifest with
 * an artifact type of our own, the empty config, and the file as it is for its only layer.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Descriptor, Manifest } from '../oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../oci/digest.ts'
import { OCI_EMPTY, OCI_MANIFEST } from '../oci/media-types.ts'
import { canonicalName, tagOrDigest } from '../oci/reference.ts'
import type { RegistryRepository } from '../registry/client.ts'
import type { Language } from './confine.ts'
import type { Declaration } from './declaration.ts'
import { PluginInvalid } from './errors.ts'

export const ARTIFACT_TYPE = 'application/vnd.coracle.plugin.v1'
const MEDIA_TYPES: Readonly<Record<Language, string>> = {
  ts: 'text/typescript',
  js: 'text/javascript', // RFC 9239
  wasm: 'application/wasm',
}
const TITLE = 'org.opencontainers.image.title'
const EMPTY = Buffer.from('{}')
const FILE_NAME = /^[a-zA-Z0-9][\w.-]{0,100}$/

export interface Artifact {
  /** Its name, with the ending of its language. */
  readonly file: string
  readonly bytes: Buffer
  /** Digest of the manifest. */
  readonly manifest: Digest
}

/**
 * @param maxBytes - of the file
 * @throws {PluginInvalid} it is no such artifact, or its content is not what the manifest says
 */
export async function fetchArtifact(repository: RegistryRepository, maxBytes: number): Promise<Artifact> {
  const { reference } = repository
  const name = `oci://${canonicalName(reference)}`
  const { descriptor, bytes } = await repository.getManifest(tagOrDigest(reference))
  const { layer, language } = readManifest(bytes, descriptor, name)
  if (layer.size > maxBytes) throw new PluginInvalid(name, `it is larger than ${maxBytes >> 20} MiB`)
  const title = layer.annotations?.[TITLE]
  const last = reference.repository.slice(reference.repository.lastIndexOf('/') + 1)
  const stem = typeof title === 'string' && FILE_NAME.test(title) ? title.replace(/\.[a-z]+$/, '') : last
  const content = await readBlob(repository, layer, name)
  return { file: `${stem}.${language}`, bytes: content, manifest: descriptor.digest }
}

function readManifest(bytes: Uint8Array, { mediaType }: Descriptor, name: string) {
  if (mediaType !== OCI_MANIFEST)
    throw new PluginInvalid(name, 'it is an image', { hint: `coracle run ${name.slice(6)}` })
  const manifest = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Manifest> // the client has parsed it before
  const type = manifest.artifactType ?? manifest.config?.mediaType
  if (type !== ARTIFACT_TYPE)
    throw new PluginInvalid(name, `it is no plugin but ${JSON.stringify(String(type).slice(0, 100))}`)
  const [layer, ...more] = Array.isArray(manifest.layers) ? manifest.layers : []
  const language = (Object.keys(MEDIA_TYPES) as Language[]).find((each) => MEDIA_TYPES[each] === layer?.mediaType)
  if (layer === undefined || more.length > 0 || language === undefined)
    throw new PluginInvalid(name, 'its manifest names no single file of TypeScript, JavaScript or WebAssembly')
  if (!isDigest(layer.digest) || !Number.isSafeInteger(layer.size) || layer.size < 0)
    throw new PluginInvalid(name, 'its manifest makes no sense')
  return { layer, language }
}

async function readBlob(repository: RegistryRepository, layer: Descriptor, name: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of (await repository.getBlob(layer)) as AsyncIterable<Buffer>) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const algorithm = digestAlgorithm(layer.digest)
  const found = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
  if (found !== layer.digest)
    throw new PluginInvalid(name, `its manifest names ${layer.digest}, and the registry sent ${found}`, {
      hint: 'registry or network changed the content: tell whoever runs the registry',
    })
  return bytes
}

/** What `plugins publish` pushes. The same file makes the same digest, whenever it is published. */
export interface Publication {
  readonly language: Language
  readonly bytes: Buffer
  readonly declaration: Declaration
}

/** Everything it is about; clients that know nothing of plugins show it. */
function annotations({ name, summary, contract, version }: Declaration): Record<string, string> {
  return {
    [TITLE]: name,
    'org.opencontainers.image.description': summary,
    ...(version !== '' && { 'org.opencontainers.image.version': version }),
    'coracle.plugin.contract': contract,
  }
}

/** @returns the digest of the manifest */
export async function pushArtifact(repository: RegistryRepository, publication: Publication): Promise<Digest> {
  const { language, bytes, declaration } = publication
  const describe = (mediaType: string, content: Buffer): Descriptor => ({
    mediaType,
    digest: digestOf(content),
    size: content.length,
  })
  const config = describe(OCI_EMPTY, EMPTY)
  const layer = describe(MEDIA_TYPES[language], bytes)
  const push = (descriptor: Descriptor, content: Buffer) =>
    repository.pushBlob(descriptor, async (offset) => Readable.from([content.subarray(offset)]))
  await Promise.all([push(config, EMPTY), push(layer, bytes)])
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: ARTIFACT_TYPE,
    config,
    layers: [{ ...layer, annotations: { [TITLE]: `${declaration.name}.${language}` } }],
    annotations: annotations(declaration),
  }
  const text = Buffer.from(JSON.stringify(manifest))
  return repository.putManifest(tagOrDigest(repository.reference), text, OCI_MANIFEST)
}
