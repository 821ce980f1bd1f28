/** A launch plan in the binary form that the native program interprets; record codes are those of native/launch.h. */
import { encodeChildStep } from './encode-child-step.ts'
import { cloneFlag } from './kernel-flags.ts'
import type { FilterElements, HostStep, IdRange, LaunchPlan } from './plan.ts'
import { OPTIONAL, type WireWriter } from './wire-writer.ts'

const CLONE_RECORD = 40
/** The part of `capabilities` that comes before `user`; not counted as a step. */
const BOUNDING_RECORD = 93

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
    if (index === boundingAt && bounding !== undefined) writer.record(BOUNDING_RECORD, (record) => record.u64(bounding))
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
  target: 41,
  bridge: 42,
  veth: 43,
  'link-delete': 44,
  'hold-port': 45,
  resolver: 50,
  'net-rules': 51,
  rate: 48,
  elements: 56,
  'elements-delete': 57,
  sublink: 49,
  'network-helper': 52,
} as const satisfies Record<HostStep['do'], number>

/** NFPROTO_* */
const FAMILY = { inet: 1, bridge: 7 } as const
const NO_VALUE = new Uint8Array()

/** MACVLAN_MODE_* and IPVLAN_MODE_* */
const SUBLINK_MODE = { private: 1, vepa: 2, bridge: 4, passthru: 8, l2: 0, l3: 1, l3s: 2 } as const

/** IPPROTO_* */
const PROTOCOL = { tcp: 6, udp: 17, sctp: 132 } as const

export function encodeHostStep(writer: WireWriter, step: HostStep): void {
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
    case 'target':
      record.u32(step.pid).u64(step.startTime).flag(step.pidNamespace)
      break
    case 'bridge':
      record
        .string(step.name)
        .u32(step.mtu ?? 0)
        .strings(step.addresses)
      break
    case 'veth':
      record.string(step.host).string(step.container).string(step.bridge).string(step.mac)
      record.u32(step.mtu ?? 0).u32(step.group)
      break
    case 'elements':
    case 'elements-delete':
      encodeElements(record, step)
      break
    case 'link-delete':
      record.string(step.link)
      break
    case 'hold-port':
      record.u32(PROTOCOL[step.protocol]).string(step.address).u32(step.port)
      break
    case 'resolver':
      record.string(step.directory).u32(step.port).string(step.names).flag(step.filter)
      break
    case 'net-rules':
      record.string(step.nft).string(step.text)
      break
    case 'sublink':
      record
        .string(step.kind)
        .string(step.parent)
        .string(step.container)
        .string(step.mac ?? '')
      record.u32(SUBLINK_MODE[step.mode]).u32(step.mtu ?? 0)
      break
    case 'rate':
      record.string(step.link).string(step.shaper).u64(step.egressBits).u64(step.ingressBits)
      break
    case 'network-helper':
      record.string(step.program).strings(step.argv).u32(step.ready).string(step.directory).string(step.socket)
      record.strings(step.requests.flat())
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

function encodeElements(record: WireWriter, { family, table, set, elements }: FilterElements): void {
  record.u32(FAMILY[family]).string(table).string(set).u32(elements.length)
  for (const { key, value = NO_VALUE } of elements) record.bytes(key).bytes(value)
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
  record.ranges(uids).ranges(gids)
}
