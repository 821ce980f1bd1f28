/** Kernel constants behind the plan's words: <linux/sched.h>, <linux/mount.h>, <sys/mount.h>, <sys/resource.h>. */
import type { MountFlag, NamespaceKind, Propagation } from './plan.ts'

const CLONE_FLAGS: Readonly<Record<NamespaceKind, number>> = {
  mount: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  network: 0x4000_0000,
  time: 0x0000_0080,
}

export function cloneFlag(kind: NamespaceKind): number {
  return CLONE_FLAGS[kind]
}

/** MOUNT_ATTR_*: what belongs to one mount. */
const ATTRIBUTES: Readonly<Partial<Record<MountFlag, number>>> = {
  ro: 0x01,
  nosuid: 0x02,
  nodev: 0x04,
  noexec: 0x08,
  relatime: 0x00,
  noatime: 0x10,
  strictatime: 0x20,
  nodiratime: 0x80,
  nosymfollow: 0x20_0000,
}

/** MS_*: what belongs to the file system behind it. */
const SUPER_BLOCK: Readonly<Partial<Record<MountFlag, number>>> = {
  ro: 0x01,
  sync: 0x10,
  mand: 0x40,
  dirsync: 0x80,
  lazytime: 0x200_0000,
}

export function mountAttributes(flags: readonly MountFlag[]): number {
  return flags.reduce((bits, flag) => bits | (ATTRIBUTES[flag] ?? 0), 0)
}

export function superBlockFlags(flags: readonly MountFlag[]): number {
  return flags.reduce((bits, flag) => bits | (SUPER_BLOCK[flag] ?? 0), 0)
}

const PROPAGATION = { private: 1 << 18, slave: 1 << 19, shared: 1 << 20, unbindable: 1 << 17 } as const

export function propagationFlags(value: Propagation): { readonly type: number; readonly recursive: boolean } {
  const recursive = value.startsWith('r')
  const name = (recursive ? value.slice(1) : value) as keyof typeof PROPAGATION
  return { type: PROPAGATION[name], recursive }
}

/** <asm-generic/resource.h>; the same on x86-64 and arm64. */
const RLIMITS = [
  'CPU',
  'FSIZE',
  'DATA',
  'STACK',
  'CORE',
  'RSS',
  'NPROC',
  'NOFILE',
  'MEMLOCK',
  'AS',
  'LOCKS',
  'SIGPENDING',
  'MSGQUEUE',
  'NICE',
  'RTPRIO',
  'RTTIME',
]

/** @throws {TypeError} there is no such limit */
export function rlimitNumber(resource: string): number {
  const number = RLIMITS.indexOf(resource.replace(/^RLIMIT_/, ''))
  if (number === -1) throw new TypeError(`no resource limit is called ${resource}`)
  return number
}
