/** What the backend asks of the runner, as a JSON file in the bundle that only the runner reads. */

export interface WasiJob {
  /** Either the directories of the image, top-most first, or one module file. */
  readonly layers: readonly string[]
  readonly module?: string
  /** The program and its arguments. */
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
}
