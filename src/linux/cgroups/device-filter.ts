/**
 * The device allow-list of cgroup version 2: an eBPF program of type CGROUP_DEVICE. Its context holds, as 32-bit words,
 * access << 16 | type, major, minor (<linux/bpf.h>, struct bpf_cgroup_dev_ctx). The last matching rule decides.
 */
import type { Resources } from '../../oci/runtime-spec.ts'

type Rule = NonNullable<Resources['devices']>[number]

const TYPE = { b: 1, c: 2 } as const
const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 }
const ALL_ACCESS = 7

// Opcodes: class | operation | source (kernel: bpf/standardization/instruction-set.rst).
const LOAD_WORD = 0x61
const MOVE_IMMEDIATE_32 = 0xb4
const MOVE_REGISTER_32 = 0xbc
const AND_IMMEDIATE_32 = 0x54
const SHIFT_RIGHT_32 = 0x74
const JUMP_NOT_EQUAL = 0x55
const EXIT = 0x95

/** Registers: 1 is the context, 2 the type, 3 the access wanted, 4 major, 5 minor, 0 and 6 scratch. */
export function deviceFilter(rules: readonly Rule[]): Uint8Array {
  const program: number[][] = [
    [LOAD_WORD, 2, 1, 0],
    [MOVE_REGISTER_32, 3, 2],
    [AND_IMMEDIATE_32, 2, 0, 0, 0xffff],
    [SHIFT_RIGHT_32, 3, 0, 0, 16],
    [LOAD_WORD, 4, 1, 4],
    [LOAD_WORD, 5, 1, 8],
  ]
  // Newest first, the first match decides: the same as the last match of the list.
  for (const rule of rules.toReversed()) {
    program.push(...ruleInstructions(rule))
    if (matchesAll(rule)) return encode(program)
  }
  program.push([MOVE_IMMEDIATE_32, 0, 0, 0, 0], [EXIT])
  return encode(program)
}

function matchesAll({ type = 'a', major, minor, access = 'rwm' }: Rule): boolean {
  return type === 'a' && isAny(major) && isAny(minor) && accessBits(access) === ALL_ACCESS
}

/** Conditions that jump behind the rule when they do not hold, then its verdict. */
function ruleInstructions({ allow, type = 'a', major, minor, access = 'rwm' }: Rule): number[][] {
  const verdict = [[MOVE_IMMEDIATE_32, 0, 0, 0, allow ? 1 : 0], [EXIT]]
  const conditions: number[][] = []
  const bits = accessBits(access)
  if (!isAny(minor)) conditions.unshift([JUMP_NOT_EQUAL, 5, 0, 0, minor ?? 0])
  if (!isAny(major)) conditions.unshift([JUMP_NOT_EQUAL, 4, 0, 0, major ?? 0])
  if (bits !== ALL_ACCESS) {
    // An allowed access must not ask for more than the rule gives; a denied one, as in version 1, for any of it.
    const mask = allow ? ALL_ACCESS & ~bits : bits
    const test = allow ? [JUMP_NOT_EQUAL, 6, 0, 0, 0] : [JUMP_EQUAL, 6, 0, 0, 0]
    conditions.unshift([MOVE_REGISTER_32, 6, 3], [AND_IMMEDIATE_32, 6, 0, 0, mask], test)
  }
  if (type !== 'a') conditions.unshift([JUMP_NOT_EQUAL, 2, 0, 0, TYPE[type]])
  const body = [...conditions, ...verdict]
  return body.map((instruction, index) => {
    const [opcode = 0, target = 0, source = 0, , immediate = 0] = instruction
    const jumps = opcode === JUMP_NOT_EQUAL || opcode === JUMP_EQUAL
    return jumps ? [opcode, target, source, body.length - index - 1, immediate] : instruction
  })
}

const JUMP_EQUAL = 0x15

function isAny(number: number | undefined): boolean {
  return number === undefined || number < 0
}

function accessBits(access: string): number {
  return [...access].reduce((bits, letter) => bits | (ACCESS[letter] ?? 0), 0)
}

/** 8 bytes each: opcode, source << 4 | target, signed offset, signed immediate, little-endian. */
function encode(program: readonly number[][]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [opcode = 0, target = 0, source = 0, offset = 0, immediate = 0]] of program.entries()) {
    bytes.writeUInt8(opcode, index * 8)
    bytes.writeUInt8((source << 4) | target, index * 8 + 1)
    bytes.writeInt16LE(offset, index * 8 + 2)
    bytes.writeInt32LE(immediate | 0, index * 8 + 4)
  }
  return bytes
}
