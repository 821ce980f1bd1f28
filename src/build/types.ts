/** What the build room takes and gives. */
import type { Readable } from 'node:stream'
import type { CoracleError } from '../errors.ts'
import type { Descriptor, Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'

/** What to build, in the words of docker's flags. */
export interface BuildRequest {
  /** A directory, a URL, or `-` for what comes through `input`. */
  readonly context: string
  /** Of the Dockerfile: a path on the host, or below the context where that is no directory; `-`: it comes through `input`. */
  readonly file?: string | undefined
  readonly input?: Readable | undefined
  readonly tags: readonly string[]
  readonly target?: string | undefined
  /** `NAME=value`, or `NAME` for the value of this process's own variable. */
  readonly buildArgs: readonly string[]
  readonly labels: readonly string[]
  readonly platforms: readonly string[]
  /** `name=place` */
  readonly contexts: readonly string[]
  /** `type=…,ref=…` */
  readonly cacheFrom?: readonly string[]
  readonly cacheTo?: readonly string[]
  readonly noCache: boolean
  /** Names of stages. */
  readonly noCacheFilter: readonly string[]
  /** Ask for newer base images. */
  readonly pull: boolean
  /** `id=…,src=…` or `id=…,env=…` */
  readonly secrets: readonly string[]
  /** `default`, or `id=socket` */
  readonly ssh: readonly string[]
  /** Of RUN that names none. */
  readonly network?: string | undefined
  /** `network.host`, `security.insecure` */
  readonly allow: readonly string[]
  readonly addHosts: readonly string[]
  readonly shmSize?: string | undefined
  readonly ulimits: readonly string[]
  readonly cgroupParent?: string | undefined
  /** `type=…,dest=…`; none: the image store. */
  readonly outputs: readonly string[]
  /** `[manifest|index|…:]key=value` */
  readonly annotations: readonly string[]
  /** `type=provenance,…`, `type=sbom,…` */
  readonly attests: readonly string[]
  /** Where outputs go whose `dest` is `-`. */
  readonly stdout?: NodeJS.WritableStream | undefined
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly onEvent: (event: BuildEvent) => void
}

export interface BuildResult {
  /** undefined: only files were asked for. */
  readonly image: StoredImage | undefined
}

/** One image, or the index of several. */
export interface StoredImage {
  /** Digest of the config; of an index its own. */
  readonly id: Digest
  /** What the names stand for: the manifest, or the index. */
  readonly manifest: Descriptor
  readonly names: readonly string[]
  /** One for each platform; their manifests have it. */
  readonly images: readonly { readonly platform: Platform; readonly id: Digest; readonly manifest: Descriptor }[]
  /** What there is to tell of how each of them was made, as SLSA has it; nothing that was given to the build. */
  readonly provenance: readonly { readonly platform: string; readonly predicate: object }[]
}

/** What happens, for a display. Vertices are the steps, numbered from 1 in the order they begin. */
export type BuildEvent =
  | { readonly type: 'begin'; readonly vertex: number; readonly name: string; readonly atMs: number }
  | {
      readonly type: 'output'
      readonly vertex: number
      readonly text: Buffer
      readonly stream: 'stdout' | 'stderr'
      readonly atMs: number
    }
  /** A line of what it is doing just now; the next one takes its place. */
  | { readonly type: 'status'; readonly vertex: number; readonly text: string; readonly atMs: number }
  | {
      readonly type: 'end'
      readonly vertex: number
      readonly outcome: Outcome
      readonly error?: string
      readonly atMs: number
    }
  | { readonly type: 'warning'; readonly text: string; readonly atMs: number }

export type Outcome = 'done' | 'cached' | 'failed' | 'cancelled'

export interface PruneCacheOptions {
  /** Also what images still share. */
  readonly all: boolean
  /** buildx's `until=24h`, `type=…`, `description~=…`, unparsed. */
  readonly filters: readonly string[]
  /** None: all goes that may. */
  readonly limits?: CacheLimits
}

/** How much stays, the latest used first; sizes as they were typed (`512m`). */
export interface CacheLimits {
  /** Never less than this. */
  readonly reserved?: string | undefined
  /** No more than this. */
  readonly maxUsed?: string | undefined
  /** No more than leaves so much of the disk free. */
  readonly minFree?: string | undefined
}

export interface CacheRecord {
  readonly id: string
  readonly kind: string
  readonly description: string
  readonly sizeBytes: number
  readonly createdAtMs: number
  readonly usedAtMs: number
  readonly uses: number
  /** An image has it too. */
  readonly shared: boolean
}

export interface PruneCacheResult {
  readonly deleted: readonly string[]
  readonly reclaimedBytes: number
}

/** What `--call` prints. */
export interface CallResult {
  /** With line ends. */
  readonly text: string
  /** Exit status: 1 when a check has found anything. */
  readonly status: 0 | 1
  /** What a check could not go on from; said after what it has found before. */
  readonly failure?: CoracleError
}

export interface BuildEngine {
  /** @throws {DockerfileInvalid} @throws {StepFailed} @throws {Cancelled} what has succeeded stays in the cache */
  build(request: BuildRequest): Promise<BuildResult>
  /**
   * Looks at the Dockerfile, and builds nothing.
   *
   * @param call - `check`, `outline` or `targets`, with `,format=json` for programs
   * @throws {DockerfileInvalid} @throws {InvalidArgument} another method
   */
  call(request: BuildRequest, call: string): Promise<CallResult>
  /** @param filters - as `PruneCacheOptions` has them */
  usage(filters?: readonly string[]): Promise<readonly CacheRecord[]>
  /** Those that commands can be run for here, this host's first. */
  platforms(): Promise<readonly string[]>
  prune(options: PruneCacheOptions): Promise<PruneCacheResult>
}
