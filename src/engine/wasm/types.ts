/** What the engine can do with WebAssembly beyond running it. */

export interface WasmEngine {
  /**
   * One program becomes an image for `wasi/wasm`, or an artifact (CNCF TAG Runtime layout), with all of its names or not at all.
   *
   * @throws {InvalidArgument} a file cannot be read, is no program, or a flag makes no sense
   */
  pack(path: string, flags: PackFlags): Promise<PackedProgram>
}

/** As typed; texts are checked here. */
export interface PackFlags {
  readonly tag?: readonly string[] | undefined
  readonly artifact?: boolean | undefined
  readonly entrypoint?: string | undefined
  readonly arg?: readonly string[] | undefined
  readonly env?: readonly string[] | undefined
  readonly label?: readonly string[] | undefined
  readonly annotation?: readonly string[] | undefined
  readonly file?: readonly string[] | undefined
  readonly expose?: readonly string[] | undefined
  readonly permission?: readonly string[] | undefined
  readonly created?: string | undefined
}

export interface PackedProgram {
  readonly id: string
  /** `command module`, `component (wasi:http/proxy)` … */
  readonly what: string
}
