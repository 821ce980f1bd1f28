/**
 * `coracle/plugin`: all that a plugin imports. A single-file command exports one object by `default`:
 *
 * ```ts
 * import { defineCommand } from 'coracle/plugin'
 *
 * export default defineCommand({
 *   contract: '^1.0.0',
 *   summary: 'Count the images of this host',
 *   permissions: ['engine:read'],
 *   async run({ engine, print }) {
 *     print(`${(await engine.images.list()).length} images`)
 *   },
 * })
 * ```
 *
 * An npm plugin names modules in its package.json, each of which exports one function by default: `defineBackend`,
 * `defineLogDriver`, `defineNetworkDriver`, `defineVolumeDriver`.
 *
 * Semantic versioning holds for what stands in this file and in those that it shows (docs/plugins.md).
 */
import type { CreateBackend, CreateLogDriver, CreateNetworkDriver, CreateVolumeDriver } from './drivers.ts'

export type * from './contract.ts'
export type * from './drivers.ts'

/** What this Coracle offers. A plugin states the range it was written for as `contract`. */
export const CONTRACT_VERSION = '1.1.0'

/**
 * One thing that a command may do; whatever it does not ask for is denied. Paths are absolute, or start with `.`: then they
 * are of the directory in which the user runs the command.
 *
 * - `read`, `write`: files, everywhere or below one path
 * - `env`: environment variables, all or one by its name
 * - `net`: any connection; `run`: any program, which is to say everything
 * - `engine:read`: lists and inspects images and containers
 * - `engine:run`: runs containers that see nothing of this host; they have a network, and images are pulled for them, only
 *   with `net`. Since 1.1.0.
 * - `engine:write`: pulls and removes images, stops and removes containers. Since 1.1.0.
 */
export type Permission =
  | 'read'
  | `read=${string}`
  | 'write'
  | `write=${string}`
  | 'env'
  | `env=${string}`
  | 'net'
  | 'run'
  | 'engine:read'
  | 'engine:run'
  | 'engine:write'

export interface ArgumentDeclaration {
  readonly description?: string
  readonly required?: boolean
  /** Takes all words that no other argument needs. */
  readonly multiple?: boolean
}

export interface FlagDeclaration {
  readonly type: 'boolean' | 'option'
  /** One letter: `-a`. */
  readonly char?: string
  readonly description?: string
  /** May be given more than once; the value is a list then. */
  readonly multiple?: boolean
  /** The only values there are. */
  readonly options?: readonly string[]
  readonly default?: string | boolean
}

/** What is known of a command without running it: plain data. */
export interface CommandDeclaration {
  /** Range of contract versions by semver: `^1.0.0`. */
  readonly contract: string
  /** Without it, the name of the file. */
  readonly name?: string
  /** One line for `coracle help`. */
  readonly summary: string
  readonly description?: string
  /** Its own version, for people. Since 1.1.0. */
  readonly version?: string
  readonly examples?: readonly string[]
  /** In the order in which they are typed. */
  readonly args?: Readonly<Record<string, ArgumentDeclaration>>
  readonly flags?: Readonly<Record<string, FlagDeclaration>>
  readonly permissions?: readonly Permission[]
}

/** What the user typed, by the names that the command declares. */
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Part of a row of `GET /images/json`. */
export interface ListedImage {
  readonly Id: string
  readonly RepoTags: readonly string[]
  readonly RepoDigests: readonly string[]
  /** Seconds since 1970. */
  readonly Created: number
  /** Bytes, unpacked. */
  readonly Size: number
  readonly Labels: Readonly<Record<string, string>>
  /** How many containers use it. */
  readonly Containers: number
}

/** Part of a row of `GET /containers/json`. */
export interface ListedContainer {
  readonly Id: string
  /** With a slash in front, as docker has it. */
  readonly Names: readonly string[]
  readonly Image: string
  readonly ImageID: string
  readonly Command: string
  /** Seconds since 1970. */
  readonly Created: number
  /** `created`, `running`, `paused`, `restarting`, `removing` or `exited`. */
  readonly State: string
  readonly Labels: Readonly<Record<string, string>>
}

export interface ListOptions {
  /** Of images those without a name too, of containers those that do not run. */
  readonly all?: boolean
  /** docker's `key=value`. */
  readonly filters?: readonly string[]
}

/** What a plugin may say about a container that it runs; all else is Coracle's, or the image's. Since 1.1.0. */
export interface RunOptions {
  /** Name or ID. */
  readonly image: string
  /** Program and arguments, in place of the image's. */
  readonly args?: readonly string[]
  readonly entrypoint?: string
  readonly env?: Readonly<Record<string, string>>
  readonly user?: string
  readonly workdir?: string
  /** For its standard input, which ends with it; at most 512 KiB. Without it there is none. */
  readonly input?: string | Uint8Array
}

export interface RunOutput {
  /** 0–255. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * A container that runs. It waits while nobody reads what it prints, is removed when it ends, and ends with the plugin. All
 * three fail when it could not be started.
 */
export interface EngineRun {
  readonly stdout: AsyncIterable<Uint8Array>
  readonly stderr: AsyncIterable<Uint8Array>
  readonly status: Promise<number>
  /** Reads both to their end, as UTF-8. */
  output(): Promise<RunOutput>
}

/** The engine, as far as the user lets a plugin at it. Documents are those of the Docker Engine API. */
export interface PluginEngine {
  readonly images: {
    /** Needs `engine:read`. */
    list(options?: ListOptions): Promise<readonly ListedImage[]>
    /** `GET /images/NAME/json`. Needs `engine:read`. */
    inspect(name: string): Promise<object>
    /** Needs `engine:write`. Since 1.1.0. */
    pull(name: string): Promise<void>
    /** Needs `engine:write`. Since 1.1.0. */
    remove(name: string): Promise<void>
  }
  readonly containers: {
    /** Needs `engine:read`. */
    list(options?: ListOptions): Promise<readonly ListedContainer[]>
    /** `GET /containers/NAME/json`. Needs `engine:read`. */
    inspect(name: string): Promise<object>
    /** Needs `engine:write`. Since 1.1.0. */
    stop(name: string): Promise<void>
    /** One that has stopped. Needs `engine:write`. Since 1.1.0. */
    remove(name: string): Promise<void>
  }
  /**
   * Runs a container of an image, at most eight at once. Needs `engine:run`. Since 1.1.0.
   *
   * ```ts
   * const { status, stdout } = await engine.run({ image: 'busybox', args: ['uname', '-r'] }).output()
   * ```
   */
  run(options: RunOptions): EngineRun
}

export interface CommandContext {
  /** The name that the command was installed under. */
  readonly name: string
  readonly args: Values
  readonly flags: Values
  readonly engine: PluginEngine
  /** One line to standard output. */
  print(line: string): void
}

export interface Command extends CommandDeclaration {
  /** @returns the exit status; 0 when it returns nothing, 1 when it throws */
  run(context: CommandContext): Promise<number | void> | number | void
}

/** Gives back what it gets; for the types. */
export function defineCommand(command: Command): Command {
  return command
}

/** Gives back what it gets; for the types. A module of a backend exports it by default. */
export function defineBackend(create: CreateBackend): CreateBackend {
  return create
}

export function defineVolumeDriver(create: CreateVolumeDriver): CreateVolumeDriver {
  return create
}

export function defineNetworkDriver(create: CreateNetworkDriver): CreateNetworkDriver {
  return create
}

export function defineLogDriver(create: CreateLogDriver): CreateLogDriver {
  return create
}
