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
}

export const spdx = (document: object): Predicate => ({ predicateType: SPDX, predicate: document })

/** Stores the statements, and the manifest that holds them. */
export async function attach(
  store: BuildStore,
  predicates: readonly Predicate[],
  { image, names }: { readonly image: WrittenImage; readonly names: readonly ImageName[] },
): Promise<ExtraManifest> {
  const subject = subjectOf(image, names)
  const layers = []
  for (const { predicateType, predicate } of predicates) {
    const _type = predicateType.endsWith('/v1')
      ? 'https://in-toto.io/Statement/v1'
      : 'https://in-toto.io/Statement/v0.1'
    const bytes = Buffer.from(JSON.stringify({ _type, predicateType, subject, predicate }))
    const blob = await store.putBlob(bytes, IN_TOTO)
    layers.push({ ...blob, annotations: { 'in-toto.io/predicate-type': predicateType } })
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
function subjectOf({ manifest, platform }: WrittenImage, names: readonly ImageName[]): readonly object[] {
  const digest = { [digestAlgorithm(manifest.digest)]: digestHex(manifest.digest) }
  const texts = names.map(({ repository, tag }) => packageUrl(`${repository}:${tag}`, formatPlatform(platform)))
  return (texts.length > 0 ? texts : ['_']).map((name) => ({ name, digest }))
}
