/** `--metadata-file`, with buildx's keys. */

export interface BuiltImage {
  readonly id: string
  readonly manifest: { readonly mediaType: string; readonly digest: string; readonly size: number }
  readonly names: readonly string[]
  readonly provenance: readonly { readonly platform: string; readonly predicate: object }[]
}

/** @param image - none: the build made files, or only cache */
export function buildMetadata(image: BuiltImage | undefined): string {
  if (image === undefined) return '{}\n'
  const { id, manifest, names, provenance } = image
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
