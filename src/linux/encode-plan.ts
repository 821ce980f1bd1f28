/** A launch plan in the binary form that the native program interprets; record codes are those of native/launch.h. */
import { cloneFlag, mountAttributes, propagationFlags, superBlockFlags } from './kernel-flags.ts'
import type { ChildStep, HostStep, IdRange, LaunchPlan } from './plan.ts'
import { OPTIONAL, type WireWriter } from './wire-writer.ts'

const CLONE_RECORD = 40
const CREATE = { none: 0, directory: 1, file: 2 } as const
const NODE_TYPE = { c: 0o020000, b: 0o060000, p: 0o010000 } as const
const BOUNDING_ONLY = true

export function encodePlan(writer: WireWriter, plan: LaunchPlan): void {
  for (const step of plan.before) encodeHostStep(writer, step)
  writer.record(CLONE_RECORD, (record) =>
    record.u64(plan.namespaces.reduce((flags, name) => flags | cloneFlag(name), 0)),
  )
  for (const step of plan.after) encodeHostStep(writer, step)
  const bounding = plan.child.find((step) => step.do === 'capabilities')?.bounding
  // Capabilities leave the bounding set before the user changes: afterwards CAP_SETPCAP is no longer in effect.
  const userAt = plan.child.findLastIndex((step) => step.do === 'user')
  const boundingAt = userAt === -1 ? plan.child.findIndex((step) => step.do === 'capabilities') : userAt
  for (const [index, step] of plan.child.entries()) {
    if (index === boundingAt && bounding !== undefined)
      writer.record(CHILD_CODE.capabilities, (record) => record.flag(BOUNDING_ONLY).u64(bounding))
    encodeChildStep(writer, step)
  }
}

const HOST_CODE = {
  cgroup: 32,
  write: 33,
  'device-filter': 34,
  'pid-namespace': 35,
  'join-cgroup': 36,
  'map-ids': 37,
  'oom-score': 38,
  'oom-file': 39,
} as const satisfies Record<HostStep['do'], number>

function encodeHostStep(writer: WireWriter, step: HostStep): void {
  const optional = 'optional' in step && step.optional ? OPTIONAL : 0
  writer.record(HOST_CODE[step.do] + optional, (record) => encodeHostFields(record, step))
}

function encodeHostFields(record: WireWriter, step: HostStep): void {
  switch (step.do) {
    case 'cgroup':
      record.string(step.path).flag(step.remove)
      break
    case 'write':
      record.string(step.path).string(step.text)
      break
    case 'device-filter':
      record.string(step.path).bytes(step.program)
      break
    case 'map-ids':
      encodeIdMaps(record, step)
      break
    case 'oom-score':
      record.string(String(step.value))
      break
    case 'pid-namespace':
    case 'join-cgroup':
    case 'oom-file':
      record.string(step.path)
      break
    default:
      step satisfies never
  }
}

/** The fields of `map-ids`, which the apply job takes as well. */
export function encodeIdMaps(
  record: WireWriter,
  {
    uids,
    gids,
    helpers,
  }: { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[]; readonly helpers: boolean },
): void {
  // An unprivileged writer of gid_map must give setgroups up first; newgidmap needs no such thing.
  record.flag(helpers).flag(!helpers && process.geteuid?.() !== 0)
  encodeRanges(record, uids)
  encodeRanges(record, gids)
}

function encodeRanges(record: WireWriter, ranges: readonly IdRange[]): void {
  record.u32(ranges.length)
  for (const { inside, outside, size } of ranges) record.u32(inside).u32(outside).u32(size)
}

const CHILD_CODE = {
  enter: 64,
  unshare: 65,
  propagation: 66,
  'root-overlay': 67,
  'root-bind': 68,
  mount: 69,
  bind: 70,
  remount: 71,
  mkdir: 72,
  symlink: 73,
  mknod: 74,
  mask: 75,
  'read-only': 76,
  'move-root': 77,
  hostname: 78,
  domainname: 79,
  sysctl: 80,
  'loopback-up': 81,
  rlimit: 82,
  keyring: 83,
  session: 84,
  cwd: 85,
  user: 86,
  capabilities: 87,
  'no-new-privileges': 88,
  personality: 89,
  seccomp: 90,
  init: 91,
  exec: 92,
} as const satisfies Record<ChildStep['do'], number>

/** Steps whose failure is a warning by their nature: a limit that is clamped, a keyring that is not to be had. */
const ALWAYS_OPTIONAL: ReadonlySet<ChildStep['do']> = new Set(['rlimit', 'keyring'])

function encodeChildStep(writer: WireWriter, step: ChildStep): void {
  const optional = ALWAYS_OPTIONAL.has(step.do) || ('optional' in step && step.optional) ? OPTIONAL : 0
  writer.record(CHILD_CODE[step.do] + optional, (record) => {
    if (!encodeMountStep(record, step) && !encodeProcessStep(record, step))
      throw new TypeError(`no encoding for ${step.do}`)
  })
}

function encodeMountStep(record: WireWriter, step: ChildStep): boolean {
  switch (step.do) {
    case 'propagation':
      record.string(step.path).u64(propagationFlags(step.value).type).flag(propagationFlags(step.value).recursive)
      break
    case 'root-overlay':
      record
        .string(step.at)
        .strings(step.lower)
        .string(step.upper ?? '')
        .string(step.work ?? '')
        .strings(step.options)
      break
    case 'root-bind':
      record.string(step.at).string(step.source)
      break
    case 'mount':
      record.string(step.type).string(step.source).string(step.target)
      record
        .u64(mountAttributes(step.flags))
        .u64(superBlockFlags(step.flags))
        .string(step.data)
        .u32(CREATE[step.create])
      break
    case 'bind': {
      const propagation =
        step.propagation === undefined ? { type: 0, recursive: false } : propagationFlags(step.propagation)
      record.string(step.source).string(step.target).flag(step.recursive)
      record.u64(mountAttributes(step.flags)).flag(step.recursiveFlags)
      record.u64(propagation.type).flag(propagation.recursive).u32(CREATE[step.create])
      break
    }
    case 'remount':
      record.string(step.target).u64(mountAttributes(step.set)).u64(mountAttributes(step.clear)).flag(step.recursive)
      break
    case 'mkdir':
      record.string(step.target).u32(step.mode).u32(step.uid).u32(step.gid)
      break
    case 'symlink':
      record.string(step.target).string(step.to)
      break
    case 'mknod':
      record.string(step.target).u32(NODE_TYPE[step.type]).u32(step.major).u32(step.minor)
      record
        .u32(step.mode)
        .u32(step.uid)
        .u32(step.gid)
        .string(step.bindFrom ?? '')
      break
    case 'mask':
    case 'read-only':
      record.string(step.target)
      break
    case 'move-root':
      record.string(step.at)
      break
    default:
      return false
  }
  return true
}

type ProcessStep = Exclude<
  ChildStep,
  {
    do:
      | 'propagation'
      | 'root-overlay'
      | 'root-bind'
      | 'mount'
      | 'bind'
      | 'remount'
      | 'mkdir'
      | 'symlink'
      | 'mknod'
      | 'mask'
      | 'read-only'
      | 'move-root'
  }
>

function encodeProcessStep(record: WireWriter, anyStep: ChildStep): boolean {
  const step = anyStep as ProcessStep
  switch (step.do) {
    case 'enter':
      record.string(step.path).u32(cloneFlag(step.kind))
      break
    case 'unshare':
      record.u32(step.kinds.reduce((flags, kind) => flags | cloneFlag(kind), 0))
      break
    case 'hostname':
    case 'domainname':
      record.string(step.name)
      break
    case 'sysctl':
      record.string(`/proc/sys/${step.key.replaceAll('.', '/')}`).string(step.value)
      break
    case 'rlimit':
      record.string(step.resource).u32(rlimitNumber(step.resource)).u64(step.soft).u64(step.hard)
      break
    case 'keyring':
      record.string(step.name)
      break
    case 'session':
      record.flag(step.terminal)
      break
    case 'cwd':
      record.string(step.path).flag(step.create).u32(step.uid).u32(step.gid)
      break
    case 'user':
      record
        .u32(step.uid)
        .u32(step.gid)
        .flag(step.umask !== undefined)
        .u32(step.umask ?? 0)
      record.flag(step.groups !== undefined).u32(step.groups?.length ?? 0)
      for (const group of step.groups ?? []) record.u32(group)
      break
    case 'capabilities':
      record.flag(!BOUNDING_ONLY).u64(step.effective).u64(step.permitted).u64(step.inheritable).u64(step.ambient)
      break
    case 'personality':
      record.u32(step.persona)
      break
    case 'seccomp':
      record.u32(step.flags).bytes(step.program)
      break
    case 'exec':
      record.string(step.file).strings(step.argv).strings(step.env)
      break
    case 'loopback-up':
    case 'no-new-privileges':
    case 'init':
      break
    default:
      step satisfies never
      return false
  }
  return true
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

function rlimitNumber(resource: string): number {
  const number = RLIMITS.indexOf(resource.replace(/^RLIMIT_/, ''))
  if (number === -1) throw new TypeError(`no resource limit is called ${resource}`)
  return number
}
