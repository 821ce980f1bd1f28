/** Media types that Coracle reads or writes, and what it takes them for. */

export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json'
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar'
export const OCI_LAYER_GZIP = `${OCI_LAYER}+gzip`
export const OCI_LAYER_ZSTD = `${OCI_LAYER}+zstd`
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar'
export const DOCKER_LAYER_GZIP = `${DOCKER_LAYER}.gzip`
export const DOCKER_LAYER_ZSTD = `${DOCKER_LAYER}.zstd`
/** A WASM OCI artifact (CNCF TAG Runtime layout, version 0). */
export const WASM_CONFIG = 'application/vnd.wasm.config.v0+json'
export const WASM_LAYER = 'application/wasm'

export type Compression = 'none' | 'gzip' | 'zstd'

const COMPRESSION: Readonly<Record<string, Compression>> = {
  [OCI_LAYER]: 'none',
  [OCI_LAYER_GZIP]: 'gzip',
  [OCI_LAYER_ZSTD]: 'zstd',
  [DOCKER_LAYER]: 'none',
  [DOCKER_LAYER_GZIP]: 'gzip',
  [DOCKER_LAYER_ZSTD]: 'zstd',
}

/** How a tar layer of this media type is compressed; undefined when it is no tar layer that may be distributed. */
export function layerCompression(mediaType: string): Compression | undefined {
  return COMPRESSION[mediaType]
}

const LAYER_TYPES: Readonly<Record<'oci' | 'docker', Readonly<Record<Compression, string>>>> = {
  oci: { none: OCI_LAYER, gzip: OCI_LAYER_GZIP, zstd: OCI_LAYER_ZSTD },
  docker: { none: DOCKER_LAYER, gzip: DOCKER_LAYER_GZIP, zstd: DOCKER_LAYER_ZSTD },
}

/** The media type of a tar layer. */
export function layerType(compression: Compression, family: 'oci' | 'docker' = 'oci'): string {
  return LAYER_TYPES[family][compression]
}

export function isIndex(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST
}

export function isManifest(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST
}

/** Layers that a registry does not hold: `foreign` (docker) and `nondistributable` (OCI, deprecated). */
export function isForeignLayer(mediaType: string): boolean {
  return mediaType.includes('.image.rootfs.foreign.diff') || mediaType.includes('.layer.nondistributable.')
}
