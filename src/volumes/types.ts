/** What is mounted into a container, as the user asked for it. */

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
}
