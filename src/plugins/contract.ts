/**
 * What a plugin author may rely on. Isolation backends implement `IsolationBackend`; the engine hands them a prepared
 * bundle and runs the plan they answer with. Types only: importing this costs nothing at run time.
 */

import type { ChildStep, HostStep, LaunchPlan } from '../linux/plan.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { MountSpec, ProcessSpec, Resources, RuntimeSpec } from '../oci/runtime-spec.ts'

export type { ChildStep, HostStep, LaunchPlan, MountSpec, Platform, ProcessSpec, Resources, RuntimeSpec }

declare const containerIdBrand: unique symbol
/** 64 lower-case hexadecimal digits. */
export type ContainerId = string & { readonly [containerIdBrand]: true }

/** Whether a backend can run something here; if not, why, and what the user can do. */
export type Support = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly hint?: string }

/** Where the root file system of a bundle comes from. Nothing of it is mounted yet. */
export type RootFilesystem =
  /** Layers top-most first, each an unpacked directory; `upper` and `work` exist and belong to this container alone. */
  | {
      readonly kind: 'layers'
      readonly lower: readonly string[]
      readonly upper: string
      readonly work: string
      /** What is written is thrown away if the host fails: nothing that is synced need wait for a disk. Mounted once only. */
      readonly volatile?: true
    }
  /** One file: a bare `.wasm` module or the single layer of a WASM artifact. All other files are in `upper`, empty at first. */
  | { readonly kind: 'module'; readonly path: string; readonly upper: string }

/** The host steps that put a process under its container's control groups with the limits of the spec. */
export interface CgroupSteps {
  readonly before: readonly HostStep[]
  readonly after: readonly HostStep[]
}

/** The steps that connect a container to its networks. `child` needs the rights over a network namespace of its own. */
export interface NetworkSteps {
  readonly before: readonly HostStep[]
  readonly after: readonly HostStep[]
  readonly child: readonly ChildStep[]
  /** They connect it to nothing yet: it is on no network, and may be put on one while it runs. */
  readonly standby?: boolean
}

/** The control groups of one container, whichever hierarchy the host has. */
export interface CgroupControl {
  usage(): Promise<ResourceUsage>
  update(resources: Resources): Promise<void>
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Kills what is left in the groups and removes them. Idempotent. */
  destroy(): Promise<void>
}

/** A container about to start. */
export interface Bundle {
  readonly id: ContainerId
  /** The container's own directory under the data root. Holds `config.json` (= `spec`) and an empty `rootfs/`. */
  readonly directory: string
  /** The container's directory under the run root. */
  readonly runDirectory: string
  readonly spec: RuntimeSpec
  readonly rootfs: RootFilesystem
  /** Not root: user namespaces are needed for everything. */
  readonly rootless: boolean
  /** Include these in the plan, unless the runtime behind the backend makes its own groups. */
  readonly cgroup: CgroupSteps
  /** A small init reaps orphans and forwards signals (`--init`). */
  readonly init: boolean
  /** Of TCP, published or exposed, first as the user named them; none without a network. For programs that cannot listen by themselves. */
  readonly ports?: readonly number[]
  /** Include these too; missing: the container has no network of its own, or nothing but loopback. */
  readonly network?: NetworkSteps
}

export interface RunningContainer {
  readonly id: ContainerId
  readonly directory: string
  readonly runDirectory: string
  readonly spec: RuntimeSpec
  readonly rootless: boolean
  readonly cgroup: CgroupControl
  /** First process, in the host's pid namespace. */
  readonly pid: number
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTime: number
}

/** A sample of what a container uses. Sizes in bytes, times in nanoseconds; 0 where the host does not account it. */
export interface ResourceUsage {
  readonly cpuNs: number
  readonly systemCpuNs: number
  readonly memoryBytes: number
  readonly memoryLimitBytes: number
  readonly memoryCacheBytes: number
  readonly pids: number
  readonly pidsLimit: number
  readonly blockReadBytes: number
  readonly blockWriteBytes: number
}

/** Runs bundles. `linux`, `wasi` and `oci` ship with Coracle; plugins add more. */
export interface IsolationBackend {
  readonly name: string
  /** Can this backend run images of `platform` on this host? Says why not, with a hint, when it cannot. */
  check(platform: Platform): Support
  /** The plan the supervisor executes as the container's first process. */
  plan(bundle: Bundle): Promise<LaunchPlan>
  /** The plan for one more process inside a running container. */
  planExec(container: RunningContainer, process: ProcessSpec): Promise<LaunchPlan>
  stats(container: RunningContainer): Promise<ResourceUsage>
  update(container: RunningContainer, resources: Resources): Promise<void>
  pause(container: RunningContainer): Promise<void>
  resume(container: RunningContainer): Promise<void>
  /** Idempotent: remove every trace. Called after exit, and again after a crash. */
  destroy(id: ContainerId): Promise<void>
}
