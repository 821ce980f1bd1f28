/** Capability sets as docker makes them. */

/** In the kernel's numbering: the index is the bit. */
export const ALL_CAPABILITIES: readonly string[] =
  `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`
    .split(/\s+/)
    .map((name) => `CAP_${name}`)

export const DEFAULT_CAPABILITIES: readonly string[] =
  `CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
AUDIT_WRITE`
    .split(/\s+/)
    .map((name) => `CAP_${name}`)

export interface CapabilitySettings {
  readonly CapAdd: readonly string[]
  readonly CapDrop: readonly string[]
  readonly Privileged: boolean
  readonly AllowNet?: readonly string[]
  readonly DenyNet?: readonly string[]
}

/** It may not reach everything. */
export function hasNetRules({ AllowNet, DenyNet }: Pick<CapabilitySettings, 'AllowNet' | 'DenyNet'>): boolean {
  return AllowNet !== undefined || DenyNet !== undefined
}

/** What a container gets. Raw packets would go past the rules that hold it to its allow-list. */
export function containerCapabilities(host: CapabilitySettings): readonly string[] {
  const drop = hasNetRules(host) ? [...host.CapDrop, 'CAP_NET_RAW'] : host.CapDrop
  return capabilityList({ add: host.CapAdd, drop, privileged: host.Privileged })
}

/** The list after `--cap-add` and `--cap-drop`; dropping wins over `ALL` added, adding over `ALL` dropped. */
export function capabilityList(options: {
  readonly add: readonly string[]
  readonly drop: readonly string[]
  readonly privileged: boolean
}): readonly string[] {
  const { add, drop, privileged } = options
  if (privileged) return ALL_CAPABILITIES
  if (add.includes('ALL')) return ALL_CAPABILITIES.filter((name) => !drop.includes(name))
  if (drop.includes('ALL')) return ALL_CAPABILITIES.filter((name) => add.includes(name))
  return ALL_CAPABILITIES.filter(
    (name) => add.includes(name) || (DEFAULT_CAPABILITIES.includes(name) && !drop.includes(name)),
  )
}
