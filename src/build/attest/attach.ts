/** Attestations of an image as BuildKit keeps them: a manifest beside it in the index (docs/attestations/attestation-storage.md). */
import type { BuildStore } from '../../images/building.ts'
import type { ExtraManifest, WrittenImage } from '../../images/commit-built.ts'
import { formatPlatform } from '../../images/platform.ts'
import type { ImageName } from '../../images/records.ts'
import { digestAlgorithm, digestHex } from '../../oci/digest.ts'
import { OCI_CONFIG, OCI_MANIFEST } from '../../oci/media-types.ts'
import { packageUrl } from './materials.ts'

const IN_TOTO = 'application/vnd.in-toto+json'
const SPDX = 'https://spdx.dev/Document'

export interface Predicate {
  readonly predicateType: string
  readonly predicate: object
  /** Of the file that it is where there is no image. */
  readonly fileName: string
}

/** A file or an image that is told of. */
export interface Subject {
  readonly name: string
  readonly digest: Readonly<Record<string, string>>
}

export const spdx = (document: object, fileName: string): Predicate => ({
  predicateType: SPDX,
  predicate: document,
  fileName,
})

/** What is said, and of what. */
export function statementOf({ predicateType, predicate }: Predicate, subject: readonly Subject[]): object {
  const version = predicateType.endsWith('/v1') ? 'v1' : 'v0.1'
  return { _type: `https://in-toto.io/Statement/${version}`, predicateType, subject, predicate }
}

/** Stores the statements, and the manifest that holds them. */
export async function attach(
  store: BuildStore,
  predicates: readonly Predicate[],
  { image, names }: { readonly image: WrittenImage; readonly names: readonly ImageName[] },
): Promise<ExtraManifest> {
  const subject = subjectOf(image, names)
  const layers = []
  for (const predicate of predicates) {
    const blob = await store.putBlob(Buffer.from(JSON.stringify(statementOf(predicate, subject))), IN_TOTO)
    layers.push({ ...blob, annotations: { 'in-toto.io/predicate-type': predicate.predicateType } })
  }
  const config = {
    architecture: 'unknown',
    os: 'unknown',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  }
  const described = await store.putBlob(Buffer.from(JSON.stringify(config)), OCI_CONFIG)
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: described, layers }
  const stored = await store.putBlob(Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST)
  const annotations = {
    'vnd.docker.reference.digest': image.manifest.digest,
    'vnd.docker.reference.type': 'attestation-manifest',
  }
  const descriptor = { ...stored, annotations, platform: { architecture: 'unknown', os: 'unknown' } }
  return { descriptor, blobs: [described, ...layers] }
}

/** One for each name, `_` where there is none. */
function subjectOf({ manifest, platform }: WrittenImage, names: readonly ImageName[]): readonly Subject[] {
  const digest = { [digestAlgorithm(manifest.digest)]: digestHex(manifest.digest) }
  const texts = names.map(({ repository, tag }) => packageUrl(`${repository}:${tag}`, formatPlatform(platform)))
  return (texts.length > 0 ? texts : ['_']).map((name) => ({ name, digest }))
}
