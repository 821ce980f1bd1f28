/** The child's steps of a launch plan in binary form: one table, so that a step without an encoder does not compile. */
import { cloneFlag, mountAttributes, propagationFlags, rlimitNumber, superBlockFlags } from './kernel-flags.ts'
import type { ChildStep } from './plan.ts'
import { OPTIONAL, type WireWriter } from './wire-writer.ts'

type Name = ChildStep['do']
type Encoder<Step> = (record: WireWriter, step: Step) => unknown
/** Its code in native/launch.h, and what writes its fields. */
type Encoding<Step> = readonly [code: number, encode: Encoder<Step>]

const CREATE = { none: 0, directory: 1, file: 2 } as const
const NODE_TYPE = { c: 0o020000, b: 0o060000, p: 0o010000 } as const
const UNCHANGED = { type: 0, recursive: false } as const

const target: Encoder<{ readonly target: string }> = (record, step) => record.string(step.target)
const name: Encoder<{ readonly name: string }> = (record, step) => record.string(step.name)
const nothing = () => {}

const ENCODINGS: { readonly [N in Name]: Encoding<Extract<ChildStep, { do: N }>> } = {
  enter: [64, (record, { path, kind }) => record.string(path).u32(cloneFlag(kind))],
  'enter-target': [94, (record, { kinds }) => record.u32(kinds.reduce((flags, kind) => flags | cloneFlag(kind), 0))],
  'bind-target': [95, target],
  unshare: [65, (record, { kinds }) => record.u32(kinds.reduce((flags, kind) => flags | cloneFlag(kind), 0))],
  propagation: [
    66,
    (record, { path, value }) => {
      const { type, recursive } = propagationFlags(value)
      record.string(path).u64(type).flag(recursive)
    },
  ],
  'root-overlay': [
    67,
    (record, { at, lower, upper = '', work = '', options }) =>
      record.string(at).strings(lower).string(upper).string(work).strings(options),
  ],
  'root-bind': [68, (record, { at, source }) => record.string(at).string(source)],
  mount: [
    69,
    (record, step) => {
      record.string(step.type).string(step.source).string(step.target)
      record.u64(mountAttributes(step.flags)).u64(superBlockFlags(step.flags))
      record.string(step.data).u32(CREATE[step.create])
    },
  ],
  bind: [
    70,
    (record, step) => {
      const { type, recursive } = step.propagation === undefined ? UNCHANGED : propagationFlags(step.propagation)
      record.string(step.source).string(step.target).flag(step.recursive)
      record.u64(mountAttributes(step.flags)).flag(step.recursiveFlags)
      record
        .u64(type)
        .flag(recursive)
        .u32(CREATE[step.create])
        .string(step.within ?? '')
      record.ranges(step.idMap?.uids ?? []).ranges(step.idMap?.gids ?? [])
    },
  ],
  overlay: [
    110,
    (record, { target, lower, upper, work, options }) =>
      record.string(target).strings(lower).string(upper).string(work).strings(options),
  ],
  remount: [
    71,
    (record, { target, set, clear, recursive }) =>
      record.string(target).u64(mountAttributes(set)).u64(mountAttributes(clear)).flag(recursive),
  ],
  mkdir: [72, (record, { target, mode, uid, gid }) => record.string(target).u32(mode).u32(uid).u32(gid)],
  symlink: [73, (record, { target, to }) => record.string(target).string(to)],
  mknod: [
    74,
    (record, { target, type, major, minor, mode, uid, gid, bindFrom = '' }) => {
      record.string(target).u32(NODE_TYPE[type]).u32(major).u32(minor)
      record.u32(mode).u32(uid).u32(gid).string(bindFrom)
    },
  ],
  mask: [75, (record, { target, closed = false }) => record.string(target).flag(closed)],
  'read-only': [76, target],
  hold: [115, target],
  'move-root': [77, (record, { at }) => record.string(at)],
  hostname: [78, name],
  domainname: [79, name],
  sysctl: [80, (record, { key, value }) => record.string(`/proc/sys/${key.replaceAll('.', '/')}`).string(value)],
  'loopback-up': [81, nothing],
  address: [96, (record, { link, address }) => record.string(link).string(address)],
  'link-up': [97, (record, { link }) => record.string(link)],
  'link-delete': [104, (record, { link }) => record.string(link)],
  route: [
    98,
    (record, { destination, gateway = '', link = '' }) => record.string(destination).string(gateway).string(link),
  ],
  rlimit: [
    82,
    (record, { resource, soft, hard }) => record.string(resource).u32(rlimitNumber(resource)).u64(soft).u64(hard),
  ],
  keyring: [83, name],
  // 2: a terminal that is not shown as /dev/console.
  session: [84, (record, { terminal, console = true }) => record.u32(terminal ? (console ? 1 : 2) : 0)],
  cwd: [85, (record, { path, create, uid, gid }) => record.string(path).flag(create).u32(uid).u32(gid)],
  user: [
    86,
    (record, { uid, gid, groups, umask }) => {
      record.u32(uid).u32(gid)
      record.flag(umask !== undefined).u32(umask ?? 0)
      record.flag(groups !== undefined).u32(groups?.length ?? 0)
      for (const group of groups ?? []) record.u32(group)
    },
  ],
  capabilities: [
    87, // its bounding set is a record of its own, before `user`
    (record, step) => record.u64(step.effective).u64(step.permitted).u64(step.inheritable).u64(step.ambient),
  ],
  'no-new-privileges': [88, nothing],
  personality: [89, (record, { persona }) => record.u32(persona)],
  seccomp: [90, (record, { flags, program }) => record.u32(flags).bytes(program)],
  'hold-program': [114, (record, { file, descriptor }) => record.string(file).u32(descriptor)],
  init: [91, nothing],
  gate: [118, (record, { descriptor }) => record.u32(descriptor)],
  lend: [
    119,
    (record, step) =>
      record.string(step.source).string(step.target).flag(step.recursive).u64(mountAttributes(step.flags)),
  ],
  done: [120, nothing],
  exec: [92, (record, { file, argv, env }) => record.string(file).strings(argv).strings(env)],
}

/** Steps whose failure is a warning by their nature: a limit that is clamped, a keyring that is not to be had. */
const ALWAYS_OPTIONAL: ReadonlySet<Name> = new Set<Name>(['rlimit', 'keyring'])

export function encodeChildStep(writer: WireWriter, step: ChildStep): void {
  const optional = ALWAYS_OPTIONAL.has(step.do) || ('optional' in step && step.optional) ? OPTIONAL : 0
  // The table pairs each name with the encoder of its own step; the compiler cannot see that through the union.
  const [code, encode] = ENCODINGS[step.do] as Encoding<ChildStep>
  writer.record(code + optional, (record) => encode(record, step))
}
