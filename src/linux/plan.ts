/**
 * The launch plan: what the native program does to start one process, as a flat list of system-call-level steps.
 * TypeScript decides, the native program obeys. Paths in `target` are inside the new root and are resolved there
 * with `openat2(RESOLVE_IN_ROOT)`; every other path is the host's.
 *
 * A plan has three parts, in this order of execution:
 *   `before`  by the supervisor, in the host's namespaces, before the child exists;
 *   `after`   by the supervisor, once the child exists in its new namespaces and waits;
 *   `child`   by the child itself, the last step being `exec`.
 */

/** Namespaces created with the child (`clone3`), in the runtime-spec's words. `cgroup` is unshared by a child step, after `join-cgroup`. */
export type CloneNamespace = 'user' | 'pid' | 'mount' | 'network' | 'ipc' | 'uts'
export type NamespaceKind = CloneNamespace | 'cgroup' | 'time'

export interface LaunchPlan {
  readonly namespaces: readonly CloneNamespace[]
  readonly before: readonly HostStep[]
  readonly after: readonly HostStep[]
  readonly child: readonly ChildStep[]
  /** Another way to the same process, when it has been started already. */
  readonly early?: EarlyStart
}

/** A process that a plan kept from an earlier run has started, and that waits at its gate (native/early.h). */
export interface EarlyStart {
  /** In binary form. What was started from any other plan is ended, and `child` is done. */
  readonly plan: Uint8Array
  /** Done beside it, in a process of their own: they lend it what it lacks. The last one is `done`. */
  readonly late: readonly ChildStep[]
}

export interface IdRange {
  /** first id inside the namespace */
  readonly inside: number
  /** first id outside */
  readonly outside: number
  readonly size: number
}

/** Keys and values as the kernel compares them: fields of a concatenation are padded to four bytes each. */
export interface FilterElements {
  readonly family: 'inet' | 'bridge'
  readonly table: string
  readonly set: string
  readonly elements: readonly { readonly key: Uint8Array; readonly value?: Uint8Array }[]
}

export type HostStep =
  /** mkdir -p of one sub-group. `remove`: the supervisor kills what is left in it and removes it after the container's end. */
  | { readonly do: 'cgroup'; readonly path: string; readonly remove: boolean }
  /** Writes `text` to an existing host file (a cgroup knob). `optional`: a missing file or refused value is a warning. */
  | { readonly do: 'write'; readonly path: string; readonly text: string; readonly optional: boolean }
  /** Attaches a BPF_PROG_TYPE_CGROUP_DEVICE program (raw instructions) to the v2 group. */
  | { readonly do: 'device-filter'; readonly path: string; readonly program: Uint8Array }
  /** Makes the supervisor's next child be born in the pid namespace at `path` (setns for children only). */
  | { readonly do: 'pid-namespace'; readonly path: string }
  /**
   * The process that `enter-target` and `bind-target` speak of, held by a descriptor: a reused pid is refused. With
   * `pidNamespace` the child is born in its pid namespace, which an ordinary user may not ask of a process outside
   * of the user namespace.
   */
  | { readonly do: 'target'; readonly pid: number; readonly startTime: number; readonly pidNamespace: boolean }
  /** Writes the child's pid to `path`/cgroup.procs. */
  | { readonly do: 'join-cgroup'; readonly path: string }
  /** Maps ids of the child's user namespace: written directly (`helpers` false, with setgroups denied when not privileged) or by newuidmap/newgidmap. */
  | {
      readonly do: 'map-ids'
      readonly uids: readonly IdRange[]
      readonly gids: readonly IdRange[]
      readonly helpers: boolean
    }
  | { readonly do: 'oom-score'; readonly value: number }
  /** Made where it is missing, and set up. Addresses are `10.0.0.1/24`. Idempotent, in races too. */
  | { readonly do: 'bridge'; readonly name: string; readonly addresses: readonly string[]; readonly mtu?: number }
  /** A pair of links: one on the bridge, the other one straight in the child's network namespace. */
  | {
      readonly do: 'veth'
      readonly host: string
      readonly container: string
      readonly bridge: string
      readonly mac: string
      readonly mtu?: number
      /** Of links, by which packet rules know them. */
      readonly group: number
    }
  /** Of a set or map of the packet filter. Added ones go with the container. */
  | ({ readonly do: 'elements' | 'elements-delete' } & FilterElements)
  /** A link below one of the host's, made straight in the child's network namespace. */
  | {
      readonly do: 'sublink'
      readonly kind: 'macvlan' | 'ipvlan'
      readonly parent: string
      readonly container: string
      readonly mode: 'bridge' | 'private' | 'vepa' | 'passthru' | 'l2' | 'l3' | 'l3s'
      /** not of an ipvlan, which has that of its parent */
      readonly mac?: string
      readonly mtu?: number
    }
  /** One that is not there is fine. */
  | { readonly do: 'link-delete'; readonly link: string }
  /** Bound by the supervisor until its end, so that nobody else takes it. */
  | {
      readonly do: 'hold-port'
      readonly protocol: 'tcp' | 'udp' | 'sctp'
      readonly address: string
      readonly port: number
    }
  /** What `nft` (an absolute path) is told in the child's network namespace. */
  | { readonly do: 'net-rules'; readonly nft: string; readonly text: string }
  /**
   * Answers names at 127.0.0.11:`port` in the child's network namespace for as long as the supervisor lives. `directory` is its own and
   * holds `config`; `names` holds `<network id>/names`. It reads them as nobody: directories let all pass, files let all read. `filter`:
   * only what `config` allows is answered, and made reachable in the sets of the table `inet coracle`, which must be there.
   */
  | {
      readonly do: 'resolver'
      readonly directory: string
      readonly port: number
      readonly names: string
      readonly filter: boolean
    }
  /**
   * How many bits a second may come from the other end of `link` (egress, through the link `shaper`, which is made and
   * removed) and go to it (ingress). 0: as many as it likes. Idempotent.
   */
  | {
      readonly do: 'rate'
      readonly link: string
      readonly shaper: string
      readonly egressBits: number
      readonly ingressBits: number
    }
  /**
   * A program that carries the traffic of the child's network namespace, which is its descriptor 0; `{pid}` in its words
   * is the child's. It is ready when it has written to descriptor `ready`; its stderr tells why it is not. Then every
   * request goes over `socket`, a connection each, after the name that an error gives it. It ends with the supervisor,
   * which leaves its pid in `directory`.
   */
  | {
      readonly do: 'network-helper'
      readonly program: string
      readonly argv: readonly string[]
      readonly ready: 1 | 3
      readonly directory: string
      readonly socket: string
      readonly requests: readonly (readonly [name: string, request: string])[]
    }
  /** A file with a line `oom_kill N` (v1 memory.oom_control, v2 memory.events), read after the end, before the group goes. */
  | { readonly do: 'oom-file'; readonly path: string }

export type Propagation =
  | 'private'
  | 'rprivate'
  | 'slave'
  | 'rslave'
  | 'shared'
  | 'rshared'
  | 'unbindable'
  | 'runbindable'

/** MOUNT_ATTR_* and MS_* names that mounts may carry. */
export type MountFlag =
  | 'ro'
  | 'nosuid'
  | 'nodev'
  | 'noexec'
  | 'noatime'
  | 'nodiratime'
  | 'relatime'
  | 'strictatime'
  | 'nosymfollow'
  | 'sync'
  | 'dirsync'
  | 'mand'
  | 'silent'
  | 'lazytime'

/** What to make where a mount target does not exist yet (inside the root). */
export type Create = 'directory' | 'file' | 'none'

export type ChildStep =
  /** Enters an existing namespace (`--network container:…`, runtime-spec namespace paths). */
  | { readonly do: 'enter'; readonly kind: NamespaceKind; readonly path: string }
  /** Enters namespaces of the plan's target, all at once, the user namespace first. `pid` holds for what `init` forks. */
  | { readonly do: 'enter-target'; readonly kinds: readonly NamespaceKind[] }
  /** Shows the root of the target with all its mounts, read-only, at `target` inside the root. */
  | { readonly do: 'bind-target'; readonly target: string }
  /** Leaves namespaces behind after the clone: `cgroup`, `time`, or `mount` once ids are mapped. */
  | { readonly do: 'unshare'; readonly kinds: readonly NamespaceKind[] }
  /** Changes the propagation of the mount at the host path (`/` first of all, so that nothing travels back). */
  | { readonly do: 'propagation'; readonly path: string; readonly value: Propagation }
  /** The new root: an overlay. `lower` top-most first. With no `upper` it is read-only. `userxattr` for rootless. */
  | {
      readonly do: 'root-overlay'
      /** Host directory to mount at; it must exist. */
      readonly at: string
      readonly lower: readonly string[]
      readonly upper?: string
      readonly work?: string
      readonly options: readonly string[]
    }
  /** The new root: a bind of an existing directory. */
  | { readonly do: 'root-bind'; readonly at: string; readonly source: string }
  /** A fresh file system inside the root. `data` is the comma-joined option text. `optional`: EPERM/ENODEV/EBUSY is a warning. */
  | {
      readonly do: 'mount'
      readonly type: string
      readonly source: string
      readonly target: string
      readonly flags: readonly MountFlag[]
      readonly data: string
      readonly create: Create
      readonly optional: boolean
    }
  /** A host file or directory shown inside the root (open_tree + move_mount + mount_setattr). */
  | {
      readonly do: 'bind'
      readonly source: string
      readonly target: string
      readonly recursive: boolean
      readonly flags: readonly MountFlag[]
      /** Also apply `flags` to submounts (`rro` and friends). */
      readonly recursiveFlags: boolean
      readonly propagation?: Propagation
      readonly create: Create
      readonly optional: boolean
      /** A part of the source, looked up in it: no link leads out. */
      readonly within?: string
      /** From the ids of the files (`inside`) to those that are shown. */
      readonly idMap?: { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] }
    }
  /** Host directories as one inside the root; `lower` top-most first, changes go to `upper`. */
  | {
      readonly do: 'overlay'
      readonly target: string
      readonly lower: readonly string[]
      readonly upper: string
      readonly work: string
      readonly options: readonly string[]
    }
  /** Mount attributes changed on an existing mount inside the root (`/` is the root itself). */
  | {
      readonly do: 'remount'
      readonly target: string
      readonly set: readonly MountFlag[]
      readonly clear: readonly MountFlag[]
      readonly recursive: boolean
    }
  | { readonly do: 'mkdir'; readonly target: string; readonly mode: number; readonly uid: number; readonly gid: number }
  | { readonly do: 'symlink'; readonly target: string; readonly to: string }
  /** `c`, `b` or `p`; where mknod is refused (user namespace) and `bindFrom` is given, binds that host device instead. */
  | {
      readonly do: 'mknod'
      readonly target: string
      readonly type: 'c' | 'b' | 'p'
      readonly major: number
      readonly minor: number
      readonly mode: number
      readonly uid: number
      readonly gid: number
      readonly bindFrom?: string
    }
  /**
   * Makes `target` unreadable: /dev/null over files, an empty read-only tmpfs over directories; missing is fine.
   * `closed`: they answer EACCES to whoever has no capabilities.
   */
  | { readonly do: 'mask'; readonly target: string; readonly closed?: boolean }
  /** Binds `target` on itself read-only; missing is fine. */
  | { readonly do: 'read-only'; readonly target: string }
  /** Binds `target` on itself as it is: a mounted directory is neither renamed nor removed; missing is fine. */
  | { readonly do: 'hold'; readonly target: string }
  /** pivot_root to the root made above, the old root detached. */
  | { readonly do: 'move-root'; readonly at: string }
  | { readonly do: 'hostname'; readonly name: string }
  | { readonly do: 'domainname'; readonly name: string }
  /** Writes /proc/sys/<key with slashes> inside the new namespaces; before /proc/sys is made read-only. */
  | { readonly do: 'sysctl'; readonly key: string; readonly value: string }
  /** Brings `lo` up in a new network namespace. */
  | { readonly do: 'loopback-up' }
  /** `10.0.0.2/24` for a link of the network namespace. */
  | { readonly do: 'address'; readonly link: string; readonly address: string }
  | { readonly do: 'link-up'; readonly link: string }
  /** For a container that runs: its end of a pair goes with the other one, other links have to be removed where they are. */
  | { readonly do: 'link-delete'; readonly link: string }
  /** Without a gateway straight out of the link, and to a block: `0.0.0.0/0`. */
  | { readonly do: 'route'; readonly destination: string; readonly gateway?: string; readonly link?: string }
  /** -1 is RLIM_INFINITY. Clamped to the current hard limit with a warning when raising is refused. */
  | { readonly do: 'rlimit'; readonly resource: string; readonly soft: number; readonly hard: number }
  /** A new session keyring, so that the host's is out of reach. */
  | { readonly do: 'keyring'; readonly name: string }
  /** setsid; with `terminal` a pty of the container's own devpts becomes stdio and the controlling terminal, is bound on /dev/console (unless `console` is false), and its master goes to the supervisor. */
  | { readonly do: 'session'; readonly terminal: boolean; readonly console?: boolean }
  /** chdir inside the root; `create` makes it when missing, owned by the uid and gid given. */
  | { readonly do: 'cwd'; readonly path: string; readonly create: boolean; readonly uid: number; readonly gid: number }
  | {
      readonly do: 'user'
      readonly uid: number
      readonly gid: number
      /** undefined leaves them as they are, where a user namespace of one id forbids setgroups */
      readonly groups: readonly number[] | undefined
      readonly umask?: number
    }
  /** Bit sets of capabilities (bit n = capability n). Bounding is dropped before `user`, the rest set after it. */
  | {
      readonly do: 'capabilities'
      readonly bounding: bigint
      readonly effective: bigint
      readonly permitted: bigint
      readonly inheritable: bigint
      readonly ambient: bigint
    }
  /** Of an early start: the program has the descriptor on which a byte comes when it may go on. */
  | { readonly do: 'gate'; readonly descriptor: number }
  /** A copy of what is mounted here, put on `target` in the mount namespace of the process that was started early. */
  | {
      readonly do: 'lend'
      readonly source: string
      readonly target: string
      readonly recursive: boolean
      readonly flags: readonly MountFlag[]
    }
  /** Ends the process, instead of `exec`. */
  | { readonly do: 'done' }
  | { readonly do: 'no-new-privileges' }
  | { readonly do: 'personality'; readonly persona: number }
  /** A classic BPF program (array of 8-byte `sock_filter`) and SECCOMP_FILTER_FLAG_* bits. */
  | { readonly do: 'seccomp'; readonly program: Uint8Array; readonly flags: number }
  /**
   * Opens the program that `exec` will run, as `descriptor`, and lowers the limit of descriptors to that number: a filter may
   * then allow execveat with it alone, and after the exec nobody can have it again. `exec` has to name the same file.
   */
  | { readonly do: 'hold-program'; readonly file: string; readonly descriptor: number }
  /** Forks: this process stays as init (forwards signals, reaps orphans, exits as its child), the child goes on with the plan. Before `session`, that is the child's own. */
  | { readonly do: 'init' }
  /**
   * Replaces the process. A bare name in `file` is looked up along PATH of `env` inside the root. Fails with
   * `not-found` (exit 127) or `not-executable` (exit 126). Every other file descriptor is closed.
   */
  | { readonly do: 'exec'; readonly file: string; readonly argv: readonly string[]; readonly env: readonly string[] }
