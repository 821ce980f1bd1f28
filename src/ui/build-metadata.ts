/** `--metadata-file`, with buildx's keys. */

export interface BuiltImage {
  readonly id: string
  readonly manifest: { readonly mediaType: string; readonly digest: string; readonly size: number }
  readonly names: readonly string[]
  readonly provenance: readonly { readonly platform: string; readonly predicate: object }[]
}

export function buildMetadata({ id, manifest, names, provenance }: BuiltImage): string {
  const several = provenance.length > 1
  const told = provenance.map(({ platform, predicate }) => {
    return [`buildx.build.provenance${several ? `/${platform}` : ''}`, predicate] as const
  })
  const document = {
    ...Object.fromEntries(told),
    // An index has no config: its digest is the id.
    ...(id !== manifest.digest && { 'containerimage.config.digest': id }),
    'containerimage.descriptor': manifest,
    'containerimage.digest': manifest.digest,
    ...(names.length > 0 && { 'image.name': names.join(',') }),
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
