/** What the backend asks of the runner, as a JSON file in the bundle that only the runner reads. */

export interface WasiJob {
  /** `wasmer` when absent: in memory, with no path to the host. */
  readonly engine?: 'wasmer' | 'preview1'
  /** Either the directories of the image, top-most first, or one module file. */
  readonly layers: readonly string[]
  readonly module?: string
  /** The program and its arguments. */
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  /** Of engine `preview1`: a directory that takes the changes to the image's files; without it they cannot be changed. */
  readonly upper?: string
  /** Of engine `preview1`. */
  readonly volumes?: readonly WasiVolume[]
  /** Of engine `preview1`: every run sees the same times, from this many nanoseconds since 1970 on; decimal. */
  readonly clock?: string
  /** Of engine `preview1`: every run with the same text gets the same random bytes. */
  readonly seed?: string
}

/** A directory of the host that the module sees. */
export interface WasiVolume {
  readonly source: string
  /** Absolute, as the module knows it. */
  readonly target: string
  readonly readOnly: boolean
}
