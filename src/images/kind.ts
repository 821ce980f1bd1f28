/** What a manifest is: an image of tar layers, a WASM program, or an artifact that is only kept. */
import type { ImageConfig, Manifest, Platform } from '../oci/descriptor.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import {
  DOCKER_CONFIG,
  isForeignLayer,
  layerCompression,
  OCI_CONFIG,
  WASM_CONFIG,
  WASM_LAYER,
} from '../oci/media-types.ts'
import { ManifestInvalid, ManifestUnsupported } from './errors.ts'
import { parseConfig, parseObject } from './manifest.ts'
import { normalisePlatform } from './platform.ts'

export type ImageKind = 'layers' | 'module' | 'artifact'

/** A manifest and its config, understood. */
export interface Understood {
  /** Digest of the config as docker has it; of the manifest where configs are not unique (artifacts with `{}`). */
  readonly id: Digest
  readonly kind: ImageKind
  readonly platform: Platform
  readonly config: ImageConfig
}

/** Layers that are a module or component as they are, neither tarred nor compressed. */
const MODULE_LAYERS: readonly string[] = [
  WASM_LAYER,
  'application/vnd.wasm.content.layer.v1+wasm',
  'application/vnd.bytecodealliance.wasm.component.layer.v0+wasm',
]
const OLD_WASM_CONFIG = 'application/vnd.wasm.config.v1+json'
const SPIN_CONFIG = 'application/vnd.fermyon.spin.application.v1+config'
const PROXY_LAYER = 'application/vnd.module.wasm.content.layer.v1+wasm'

/**
 * Looks only at media types, so that nothing is downloaded in vain.
 *
 * @throws {ManifestUnsupported} with the reason and what to do
 */
export function kindOf(manifest: Manifest, name: string): ImageKind {
  const { config, layers } = manifest
  refuseOddities(manifest, name)
  const modules = layers.filter((layer) => MODULE_LAYERS.includes(layer.mediaType))
  const isImage = config.mediaType === OCI_CONFIG || config.mediaType === DOCKER_CONFIG
  const isWasm = config.mediaType === WASM_CONFIG || config.mediaType === OLD_WASM_CONFIG
  if (isWasm || (isImage && modules.length > 0)) {
    if (layers.length === 1 && modules.length === 1) return 'module'
    throw new ManifestUnsupported(`${name} has ${layers.length} layers, a WASM program must be exactly one`)
  }
  if (!isImage) return 'artifact'
  for (const layer of layers) {
    if (layerCompression(layer.mediaType) === undefined) {
      throw new ManifestUnsupported(`layer ${layer.digest} of ${name} has the unknown media type ${layer.mediaType}`, {
        hint: 'Coracle unpacks OCI and docker tar layers, plain or compressed with gzip or zstd',
      })
    }
  }
  return 'layers'
}

function refuseOddities(manifest: Manifest, name: string): void {
  if (manifest.config.mediaType === SPIN_CONFIG) {
    throw new ManifestUnsupported(`${name} is a Spin application, not one program`, {
      hint: 'run it with spin, or push its component alone: wkg oci push',
    })
  }
  if (manifest.layers.some((layer) => layer.mediaType === PROXY_LAYER)) {
    throw new ManifestUnsupported(`${name} is a filter for Envoy or Istio, not a WASI program`)
  }
  const foreign = manifest.layers.find((layer) => isForeignLayer(layer.mediaType))
  if (foreign !== undefined) {
    throw new ManifestUnsupported(`layer ${foreign.digest} of ${name} is foreign: its registry may not distribute it`, {
      hint: 'such layers belong to Windows images; choose another --platform',
    })
  }
}

/**
 * Reads the config by its kind.
 *
 * @throws {ManifestInvalid} config and manifest contradict each other
 */
export function understand(
  manifest: Manifest,
  kind: ImageKind,
  content: { manifest: Digest; config: Uint8Array },
): Understood {
  const { config: descriptor } = manifest
  if (kind === 'artifact')
    return { id: content.manifest, kind, platform: NO_PLATFORM, config: emptyConfig(NO_PLATFORM) }
  if (descriptor.mediaType === WASM_CONFIG || descriptor.mediaType === OLD_WASM_CONFIG) {
    return understandModule(manifest, content)
  }
  const config = parseConfig(content.config, descriptor.digest)
  const diffIds = config.rootfs.diff_ids
  if (kind === 'layers' && diffIds.length !== manifest.layers.length) {
    throw new ManifestInvalid(
      `config ${descriptor.digest}`,
      `it names ${diffIds.length} layers, its manifest has ${manifest.layers.length}`,
    )
  }
  return { id: descriptor.digest, kind, platform: normalisePlatform(platformOf(config)), config }
}

function understandModule(manifest: Manifest, content: { manifest: Digest; config: Uint8Array }): Understood {
  const { config: descriptor } = manifest
  const platform = { os: 'wasi', architecture: 'wasm' }
  const json = parseObject(content.config, `config ${descriptor.digest}`)
  const created = typeof json['created'] === 'string' ? { created: json['created'] } : {}
  const author = typeof json['author'] === 'string' ? { author: json['author'] } : {}
  // Only version 0 makes its configs unique, by `layerDigests`; older tools wrote the same `{}` for every module.
  const id =
    descriptor.mediaType === WASM_CONFIG &&
    Array.isArray(json['layerDigests']) &&
    digestOf(content.config) === descriptor.digest
      ? descriptor.digest
      : content.manifest
  return { id, kind: 'module', platform, config: { ...emptyConfig(platform), ...created, ...author } }
}

const NO_PLATFORM: Platform = { os: 'unknown', architecture: 'unknown' }

function emptyConfig(platform: Platform): ImageConfig {
  return { ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [] }, history: [] }
}

function platformOf(config: ImageConfig): Platform {
  const { os, architecture, variant } = config
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' && { variant }) }
}
