/** What the compilers of plans need to know of the host. */

export interface CompileOptions {
  /** The compiled seccomp filter of `spec.linux.seccomp`; the compiler of filters is not part of a pure plan. */
  readonly seccomp?: { readonly program: Uint8Array; readonly flags: number } | undefined
  /** Map ids with newuidmap and newgidmap. */
  readonly mapHelpers: boolean
  /** The hierarchies of the host, in whose place a cgroup mount stands. */
  readonly cgroupMounts: readonly CgroupMount[]
}

export interface CgroupMount {
  /** Of the directory that shows it; the controllers of version 1, joined by commas. */
  readonly name: string
  readonly version: 1 | 2
  /** Mount data; empty for version 2. */
  readonly options: string
  /** Host directory of the container's own group in it, if it has one. */
  readonly group?: string | undefined
}
