/** What is mounted into a container, as the user asked for it. */

import type { Readable } from 'node:stream'
import type { Kept } from '../errors.ts'
import type { CheckOptions, RoomReport } from '../state/findings.ts'

/** docker's `Mount`: one `-v`, `--mount` or anonymous volume. */
export interface MountSetting {
  Type: 'bind' | 'tmpfs' | 'volume'
  Source: string
  Target: string
  ReadOnly: boolean
  /** Made when missing (`-v`); otherwise a missing source is an error (`--mount`). */
  CreateMountpoint?: boolean
  /** Only the top mount is made read-only, its submounts are not. */
  ReadOnlyNonRecursive?: boolean
  NonRecursive?: boolean
  Propagation?: 'private' | 'rprivate' | 'slave' | 'rslave' | 'shared' | 'rshared'
  /** tmpfs: bytes, 0 is half of the memory. */
  TmpfsSizeBytes?: number
  TmpfsMode?: number
  TmpfsOptions?: string[]
  /** The user that the container runs as owns what the owner of the source owns; or ids as told. */
  IdMap?: true | { readonly Uids: readonly IdTriple[]; readonly Gids: readonly IdTriple[] }
  /** Changes go to the container, and with it. */
  Overlay?: boolean
  /** volume: only this directory or file of it */
  Subpath?: string
  /** volume: the image's content is not copied into it */
  NoCopy?: boolean
  /** volume: what a new one is made with */
  VolumeLabels?: Record<string, string>
  VolumeDriver?: string
  VolumeOptions?: Record<string, string>
}

/** First id of the files, first id that is shown, how many. */
export type IdTriple = readonly [files: number, shown: number, size: number]

export interface VolumeRecord {
  readonly name: string
  readonly driver: string
  readonly labels: Readonly<Record<string, string>>
  /** `type`, `device` and `o` of the driver local. */
  readonly options: Readonly<Record<string, string>>
  /** Nobody has named it: it goes with its container where that is removed with its volumes. */
  readonly anonymous: boolean
  readonly createdAtMs: number
  /** The name that its directory still has: a rename was cut short. */
  readonly movedFrom?: string | undefined
}

export interface NewVolume {
  /** Empty: 64 random hex digits. */
  readonly name: string
  readonly driver?: string | undefined
  readonly labels?: Readonly<Record<string, string>>
  readonly options?: Readonly<Record<string, string>>
}

export interface VolumeUsage extends VolumeRecord {
  /** Ids of those that have it. */
  readonly containers: readonly string[]
  readonly path: string
  readonly sizeBytes: number
}

/** docker's document of `volume inspect`. */
export interface VolumeDocument {
  readonly CreatedAt: string
  readonly Driver: string
  readonly Labels: Readonly<Record<string, string>> | null
  readonly Mountpoint: string
  readonly Name: string
  readonly Options: Readonly<Record<string, string>> | null
  readonly Scope: 'local'
}

export interface VolumeEngine {
  /** One that is there already is as good. @returns its name @throws {InvalidArgument} @throws {VolumeConflict} */
  create(volume: NewVolume): Promise<string>
  /** By name. @param filters - docker's `key=value`: name, label, driver, dangling @throws {InvalidArgument} */
  list(filters?: readonly string[]): Promise<readonly VolumeDocument[]>
  /** @throws {VolumeNotFound} */
  inspect(name: string): Promise<VolumeDocument>
  /** With `force` whatever its driver says. @throws {VolumeNotFound} @throws {VolumeInUse} */
  remove(name: string, options?: { readonly force?: boolean }): Promise<void>
  /** Those that no container has: anonymous ones, or all. */
  prune(options: { readonly all: boolean; readonly filters: readonly string[] }): Promise<PrunedVolumes>
  /**
   * A second volume with the same content and labels. Files are shared until they are changed, where the file system can
   * do that (btrfs, xfs), and copied otherwise. What containers write meanwhile may be in it or not.
   *
   * @throws {VolumeNotFound} @throws {VolumeExists} @throws {VolumeElsewhere}
   */
  clone(from: string, to: string, signal?: AbortSignal): Promise<void>
  /**
   * The settings of stopped containers that have it follow. An anonymous volume counts as named from then on.
   *
   * @throws {VolumeNotFound} @throws {VolumeExists} @throws {VolumeInUse} a running container has it
   */
  rename(from: string, to: string): Promise<void>
  /** Its content as a tar stream. @throws {VolumeNotFound} @throws {VolumeElsewhere} */
  export(name: string, output: NodeJS.WritableStream, signal?: AbortSignal): Promise<void>
  /**
   * A tar stream, plain or compressed, into a volume, which is made where it is missing.
   *
   * @throws {ArchiveInvalid} no tar, or hostile; an empty volume is empty then, another one has what came before
   */
  import(name: string, input: Readable, signal?: AbortSignal): Promise<void>
  usage(): Promise<readonly VolumeUsage[]>
  check(options: CheckOptions): Promise<RoomReport>
}

export interface PrunedVolumes {
  readonly deleted: readonly string[]
  readonly kept: readonly Kept[]
  readonly reclaimedBytes: number
}
