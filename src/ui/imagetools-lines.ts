/** `imagetools inspect`, by buildx's words. */
import type { RemoteContent } from '../images/types.ts'
import type { Descriptor, Platform } from '../oci/descriptor.ts'

export function remoteLines({ name, descriptor, manifests }: RemoteContent): readonly string[] {
  const own = [`Name:      ${name}`, `MediaType: ${descriptor.mediaType}`, `Digest:    ${descriptor.digest}`]
  if (manifests === undefined) return own
  const repository = name.replace(/@.*$/, '')
  return [...own, '', 'Manifests:', ...manifests.flatMap((entry) => [...entryLines(entry, repository), ''])].slice(
    0,
    -1,
  )
}

function entryLines({ digest, mediaType, platform, annotations = {} }: Descriptor, name: string): readonly string[] {
  const notes = Object.entries(annotations)
  return [
    `  Name:        ${name}@${digest}`,
    `  MediaType:   ${mediaType}`,
    ...(platform === undefined ? [] : [`  Platform:    ${platformText(platform)}`]),
    ...(notes.length === 0 ? [] : ['  Annotations:', ...notes.map(([key, value]) => `    ${key}: ${value}`)]),
  ]
}

const platformText = ({ os, architecture, variant = '' }: Platform): string =>
  [os, architecture, variant].filter((part) => part !== '').join('/')

/** For templates: fields as Go calls them, which JSON calls otherwise. */
export function remoteDocument(content: RemoteContent, image: unknown): Readonly<Record<string, unknown>> {
  const { name, descriptor, manifests } = content
  const { mediaType, digest, size } = descriptor
  const listed = manifests?.map((entry) => withGoNames(entry))
  const Manifest = withGoNames({
    ...(manifests !== undefined && { schemaVersion: 2 }),
    mediaType,
    digest,
    size,
    ...(listed !== undefined && { manifests: listed }),
  })
  return { Name: name, Manifest, Image: image }
}

function withGoNames(fields: object): object {
  const named = { ...fields }
  for (const [key, value] of Object.entries(fields)) {
    const name = `${key.charAt(0).toUpperCase()}${key.slice(1)}`
    const inner: unknown = key === 'platform' ? withGoNames(value as object) : value
    Object.defineProperty(named, name, { value: inner, enumerable: false })
  }
  return named
}
