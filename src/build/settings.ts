/** What a build was asked for, understood. */
export interface Settings {
  readonly buildArgs: ReadonlyMap<string, string>
  readonly noCacheStages: ReadonlySet<string>
  readonly secrets: ReadonlyMap<string, SecretSource>
  readonly ssh: ReadonlyMap<string, string>
  readonly allow: ReadonlySet<string>
  /** Of RUN that names none. */
  readonly network: 'host' | 'none' | undefined
  /** Of `run`, as typed. */
  readonly flags: {
    readonly 'add-host'?: readonly string[]
    readonly 'shm-size'?: string
    readonly ulimit?: readonly string[]
    readonly 'cgroup-parent'?: string
  }
  /** Seconds; the latest time in what is built. */
  readonly epoch: number | undefined
}

/** Read when the build begins. */
export interface SecretSource {
  readonly value: Buffer
}
