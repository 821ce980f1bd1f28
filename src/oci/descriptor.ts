/** Descriptors, platforms, manifests, indexes and image configs as image-spec 1.1 defines them (types only). */
import type { Digest } from './digest.ts'

/** image-spec, descriptor.md. `sizeBytes` of the prose is `size` here, because it is JSON. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** bytes */
  readonly size: number
  readonly urls?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  /** base64 of the content itself */
  readonly data?: string
  readonly artifactType?: string
  readonly platform?: Platform
}

/** image-spec, image-index.md#image-index-property-descriptions. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}

export interface Manifest {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Index {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Readonly<Record<string, string>>
}

/** image-spec, config.md; the keys docker adds are included. */
export interface ImageConfig extends Platform {
  /** RFC 3339 */
  readonly created?: string
  readonly author?: string
  readonly config?: ImageProcessConfig
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] }
  readonly history?: readonly HistoryEntry[]
}

export interface ImageProcessConfig {
  readonly User?: string
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[] | null
  readonly Cmd?: readonly string[] | null
  readonly Volumes?: Readonly<Record<string, object>> | null
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly StopSignal?: string
  readonly Healthcheck?: Healthcheck
  readonly Shell?: readonly string[] | null
  readonly ArgsEscaped?: boolean
  readonly OnBuild?: readonly string[] | null
}

/** Durations are nanoseconds; 0 means inherit. */
export interface Healthcheck {
  readonly Test?: readonly string[]
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly StartInterval?: number
  readonly Retries?: number
}

export interface HistoryEntry {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}
