/** What the backend asks of the runner, as a JSON file in the bundle that only the runner reads. */
import type { Prepared } from './preview2/prepare.ts'

export interface WasiJob {
  /** `wasmer` is in memory, with no path to the host; `component` is for components. When absent: whichever runs the program. */
  readonly engine?: 'wasmer' | 'preview1' | 'component'
  /** The container's root file system, with everything mounted in it. */
  readonly root?: string
  /** With `root`: where the user has mounted something in it. Directories among them are given by these names too. */
  readonly mounted?: readonly string[]
  /** Where nothing can be mounted: the directories of the image, top-most first. */
  readonly layers: readonly string[]
  /** A file that takes what the module looks for in vain. */
  readonly refused?: string
  /** The program, where it is not in the image. */
  readonly module?: string
  /** What is known of it already, if it is a component. */
  readonly prepared?: Prepared
  /** The program and its arguments. */
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  /** With `layers`: a directory that takes the changes to the image's files; without it they cannot be changed. */
  readonly upper?: string
  /** With `layers`. */
  readonly volumes?: readonly WasiVolume[]
  /** Of engine `preview1`: ports of TCP on which the module listens, from descriptor 3 on. */
  readonly listens?: readonly number[]
  /** Whether there is a network, in which components may make sockets. */
  readonly network?: boolean
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
