/** What a build was asked for, understood. */
/** What a build may use of the user's. */
export interface Grants {
  readonly secrets: ReadonlyMap<string, SecretSource>
  /** Sockets of agents. */
  readonly ssh: ReadonlyMap<string, string>
}

export interface Settings extends Grants {
  readonly buildArgs: ReadonlyMap<string, string>
  readonly noCacheStages: ReadonlySet<string>
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
